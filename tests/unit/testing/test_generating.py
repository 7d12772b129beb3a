"""What is searched, sampled, generated and written: complete, possible, and read back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from drawn_machines import machines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foliot.definition import compile_schema, load, read
from foliot.engine import compile as compile_machine
from foliot.languages.scxml import read_scxml
from foliot.testing import (
    Coverage,
    Moves,
    Scenario,
    ScenarioFile,
    generate,
    play,
    probe,
    read_scenarios,
    write_scenarios,
)
from foliot.testing.relevance import deciding_names
from foliot.testing.samples import constants_of, samples
from foliot.testing.variants import guard_variants, value_variants

SEPSIS = Path(__file__).parents[3] / "examples" / "sepsis" / "machine.yaml"
DOOR = """
foliot: 1
id: door
context: {initial: {count: 0, tries: 0, name: x}}
initial: shut
states:
  shut:
    on:
      push:
        guard: "context.count < 4"
        target: open
        actions: [{assign: {count: "context.count + context.tries", name: "'x'"}}]
      kick: {guard: "context.count > 1", target: broken}
      try: {actions: [{assign: {tries: 1}}]}
  open:
    on: {pull: shut}
  broken:
    after: {1d: gone}
    on: {never: {guard: "context.count < 0", target: gone}}
  gone: {type: final}
"""


def door() -> Any:
    return load(DOOR, filename="door.yaml")


@pytest.mark.parametrize(
    "action",
    [
        "{assign: {n: event.data.size}}",
        "{block: [{assign: {n: event.data.size}}]}",
        "{cancel: {expression: event.data.size}}",
        "{send: {event: {expression: event.data.size}, to: {target: '#_parent'}}}",
    ],
)
def test_data_are_tried_that_have_what_actions_read(action: str):
    definition = load(f"foliot: 1\nid: m\non: {{go: {{actions: [{action}]}}}}\n", filename="m.yaml")

    assert any("size" in (move.data or {}) for move in Moves(definition).all())


def test_generated_scenarios_reach_all_that_can_be_reached_and_say_what_cannot():
    made = generate(door())

    assert set(made.impossible) == {"broken --never--> gone", "broken --never--> gone, guard true"}
    coverage = Coverage(door())
    machine = probe(door(), coverage.asked)
    for scenario in made.scenarios:
        ran = play(machine, scenario)
        assert ran.passed, ran.mismatches
        coverage.note(ran.seen)
    states, transitions, guards, pairs = coverage.summaries()
    assert states.missing == ()
    assert [item.what for item in transitions.missing] == ["broken --never--> gone"]
    assert [item.what for item in guards.missing] == ["broken --never--> gone [context.count < 0] true"]
    assert [item.what for item in pairs.missing] == ["shut --kick--> broken, then broken --never--> gone"]


def test_only_what_guards_depend_on_decides():
    assert deciding_names(door()) == {"count", "tries"}
    assert deciding_names(door(), ["context.name == 'x'"]) == {"count", "tries", "name"}
    assert deciding_names(door(), ["size(context) > 1"]) is None


def test_a_machine_of_another_language_is_tested_alike():
    door_of_scxml = read_scxml(
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel" name="door">'
        '<datamodel><data id="count" expr="0"/></datamodel>'
        '<state id="shut"><transition event="push" target="open">'
        '<assign location="count" expr="count + 1"/></transition></state>'
        '<state id="open"><transition event="pull" cond="count &lt; 2" target="shut"/></state></scxml>',
        filename="door.scxml",
    ).definition

    made = generate(door_of_scxml)

    assert made.impossible == ()
    assert all(play(compile_machine(door_of_scxml), scenario).passed for scenario in made.scenarios)


@given(machines())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_what_is_generated_of_any_machine_passes_and_is_read_back(document: dict[str, Any]):
    definition = read(orjson.dumps(document), filename="m.json").definition
    if definition is None:
        return

    made = generate(definition, steps_max=300)

    for scenario in made.scenarios:
        ran = play(compile_machine(definition), scenario)
        assert ran.passed, ran.mismatches
    if made.scenarios:
        file = ScenarioFile(machine="m.json", scenarios=made.scenarios)
        reading = read_scenarios(write_scenarios(file), filename="m.test.yaml")
        assert reading.scenarios == file, reading.diagnostics


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"]), max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | TEXTS
    | st.sampled_from(["yes", "1d", "0x1", "a: b", "- a", "~", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)


@given(name=TEXTS.filter(bool), data=VALUES, context=st.dictionaries(TEXTS, VALUES, max_size=4))
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back(name: str, data: Any, context: dict[str, Any]):
    scenario = {"name": name, "steps": [{"event": "a", "data": data, "expect": {"context": context}}]}
    file = ScenarioFile(machine="a.yaml", scenarios=(Scenario.model_validate(scenario),))

    reading = read_scenarios(write_scenarios(file, comment="one\ntwo"), filename="a.test.yaml")

    assert reading.scenarios == file, [str(each) for each in reading.diagnostics]


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 5}, [1, 2, 4, 5]),
        ({"type": "integer", "exclusiveMinimum": 0}, [1]),
        ({"type": "boolean"}, [True, False]),
        ({"enum": ["a", None]}, ["a", None]),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, [{}, {"a": True}, {"a": False}]),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 1}, [[True], [True, False]]),
        ({"type": "string", "maxLength": 2}, ["", "aa"]),
    ],
)
def test_samples_fit_and_have_the_bounds(schema: Any, wanted: list[Any]):
    found = samples(schema, constants_of(["context.a < 40 || event.data.b == 'word'"]))

    assert all(compile_schema(schema).is_valid(each) for each in found)
    assert [each for each in wanted if each not in found] == []


def test_samples_have_the_constants_of_guards_and_their_neighbours():
    constants = constants_of(["context.a < 40 || event.data.b == 'word'"])

    assert {39, 40, 41} <= set(samples({"type": "integer"}, constants))
    assert "word" in samples({"type": "string"}, constants)
    assert {"b": 40} in samples(None, constants, reads=["b"])


def test_variants_are_other_expressions_that_compile():
    assert list(guard_variants("a.b")) == ["!(a.b)", "true", "false"]
    assert set(guard_variants("context.a <= 1 && !context.b")) == {
        "!(context.a <= 1 && !context.b)",
        "true",
        "false",
        "context.a < 1 && !context.b",
        "context.a > 1 && !context.b",
        "context.a <= 2 && !context.b",
        "context.a <= 0 && !context.b",
        "context.a <= 1 || !context.b",
        "context.a <= 1 && context.b",
    }
    # CEL subtracts no texts.
    assert list(value_variants("context.a + 'x'")) == ["context.a + 'x_'"]


def test_timers_that_follow_each_other_without_end_are_not_followed():
    restless = DOOR.replace("after: {1d: gone}", "after: {0s: {target: broken, reenter: true}}")

    made = generate(load(restless, filename="restless.yaml"))

    assert "shut --kick--> broken" in made.missed


def test_a_pair_is_found_as_far_apart_as_coverage_counts_it():
    text = """
        foliot: 1
        id: far
        context: {initial: {count: 0}}
        initial: both
        states:
          both:
            type: parallel
            states:
              walk:
                initial: one
                states:
                  one: {on: {begin: two}}
                  two: {on: {end: {guard: context.count > 59, target: three}}}
                  three: {}
              clock:
                on: {tick: {guard: inState("both.walk.two"), actions: [{assign: {count: context.count + 1}}]}}
        """

    reached = generate(load(text, filename="far.yaml")).reached

    pair = "both.walk.one --begin--> both.walk.two, then both.walk.two --end--> both.walk.three"
    assert pair in reached
