"""What a machine does is the same after it was written as SCXML and read again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.engine.random_machines import NOW, random_definition, random_event

from foliot.definition import Definition, DefinitionRefused, NotWritable, StateNode, dump, load
from foliot.engine import (
    Compiled,
    EngineError,
    Event,
    Limits,
    Log,
    State,
    Step,
    compile,  # noqa: A004 - the engine's own word
    start,
    step,
)
from foliot.languages.scxml import read_scxml, write_scxml

LIMITS = Limits(microsteps_max=30)
BIRTH = Event("birth", "test", "a", None, None)
TEXTS = ("what for", "<a href='b'>&amp;</a>", "two\nlines\tand a tab", "  é 🦀 ]]>", "")
SCHEMAS = (
    None,
    True,
    {"type": "object", "properties": {"n": {"type": "integer", "description": "<&>\n\x85 é"}}, "required": ["n"]},
    {"$ref": "#/$defs/any", "$defs": {"any": {}}},
)
NAMES = ("event", "context", "in", "a-b", "two words", "é", "x")
VALUES = (0, -(2**63), 1.5, 1e300, True, None, "a < b & 'c' \x85", [], [{"k": [1, {}]}], {"true": "\n"})


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0, max_value=2**32))
def test_random_machines_do_the_same_after_a_round_trip(seed: int) -> None:
    random = Random(seed)
    definition = told(random_definition(random), random)
    text = write_scxml(definition)
    again = read_scxml(text, filename="again.scxml").definition
    one, other = compile(definition, limits=LIMITS), compile(again, limits=LIMITS)

    assert head(again) == head(definition), text
    assert descriptions(again.root) == descriptions(definition.root), text

    taken = attempt(one, None, BIRTH, NOW)
    assert attempt(other, None, BIRTH, NOW) == taken, text
    state = taken.state if isinstance(taken, Step) else None
    for number in range(20):
        if state is None:
            break
        event = random_event(random, state, number)
        taken = attempt(one, state, event, NOW + number)
        assert attempt(other, state, event, NOW + number) == taken, text
        state = taken.state if isinstance(taken, Step) else state


def told(definition: Definition, random: Random) -> Definition:
    """Tell more of a machine: schemas, names and values of its context, how it begins, what all of it is for."""

    def described(value: Any) -> Any:
        if isinstance(value, list):
            return [described(each) for each in value]
        if not isinstance(value, dict):
            return value
        said = {"description": random.choice(TEXTS)} if value.keys() & {"description"} else {}
        return {name: described(each) for name, each in value.items()} | said

    document = described(definition.model_dump(mode="json"))
    document["root"]["description"] = ""
    document["create"] = random.choice(("on_event", "explicit"))
    document["poison"] = random.choice(("park", "skip"))
    more = {name: random.choice(VALUES) for name in random.sample(NAMES, random.randrange(4))}
    initial = document["context"]["initial"] | more
    document["context"] = {"initial": initial, "json_schema": random.choice(SCHEMAS)}
    document["events"] = {
        name: {"json_schema": random.choice(SCHEMAS)} for name in random.sample(("a", "a.b", "c"), random.randrange(4))
    }
    return Definition.model_validate(document)


def head(definition: Definition) -> dict[str, Any]:
    return definition.model_dump(exclude={"root", "system"})


def descriptions(root: StateNode) -> list[Any]:
    return [
        (node.id, node.description, [transition.description for transition in node.outgoing()]) for node in root.walk()
    ]


def attempt(machine: Compiled, state: State | None, event: Event, now: int) -> Step | type[EngineError]:
    """Take a step; transitions are counted from the machine's first, whatever number that has."""
    first = min(
        (transition.index for node in machine.definition.root.walk() for transition in node.outgoing()), default=0
    )
    try:
        taken = start(machine, event, now) if state is None else step(machine, state, event, now)
    except EngineError as error:
        return type(error)
    return taken._replace(
        transitions=tuple(number - first for number in taken.transitions),
        # The words of an error name actions as the language has them.
        effects=tuple(Log("") if isinstance(effect, Log) else effect for effect in taken.effects),
    )


def test_data_that_must_have_a_value_keeps_its_expression_however_often_it_is_written() -> None:
    first = load(
        "foliot: 1\nid: m\ninitial: a\nstates: {a: {entry: [{raise: {event: e, data: {k: 1 + 2}}}]}}",
        filename="m.yaml",
    )

    second = read_scxml(write_scxml(first), filename="second.scxml").definition
    third = read_scxml(write_scxml(second), filename="third.scxml").definition

    assert third.root == second.root


def test_states_in_states_keep_their_names_so_that_the_language_itself_can_write_them_again() -> None:
    text = "foliot: 1\nid: m\ninitial: a\nstates: {a: {initial: b, states: {b: {initial: c, states: {c: {}}}}}}"
    first = load(text, filename="m.yaml")

    second = read_scxml(write_scxml(first), filename="m.scxml").definition

    assert second.root == first.root
    assert load(dump(second), filename="m.json").root == first.root


@pytest.mark.parametrize("name", ["event", "context", "int", "my-key", "a b", "in", "plain"])
def test_data_of_any_name_are_found_again(name: str) -> None:
    guard = f"context['{name}'] == 5 && event.data.n == 1 && type(event.data.n) == int"
    go = f'{{guard: "{guard}", target: b, actions: [{{assign: {{"{name}": 6, "{name}2": event.data.n}}}}]}}'
    text = f"""
foliot: 1
id: m
context: {{initial: {{"{name}": 5}}}}
initial: a
states: {{a: {{on: {{go: {go}}}}}, b: {{}}}}
"""

    machine = compile(read_scxml(write_scxml(load(text, filename="m.yaml")), filename="m.scxml").definition)

    go_event = Event("1", "test", "go", {"n": 1})
    taken = step(machine, start(machine, go_event, NOW).state, go_event, NOW)
    assert taken.state.configuration == ("b",)
    assert taken.state.context == {name: 6, f"{name}2": 1}


def test_system_variables_are_there_still_when_a_document_is_written_again() -> None:
    text = """
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel" name="door">
  <state id="a"><transition event="go" cond="_event.name == 'go' &amp;&amp; _sessionid == ''" target="b"/></state>
  <state id="b"/>
</scxml>
"""

    first = read_scxml(text, filename="first.scxml").definition
    again = read_scxml(write_scxml(first), filename="again.scxml").definition

    assert again.system
    assert again.root == first.root


def test_a_state_may_have_the_name_of_the_state_that_stands_for_the_machine() -> None:
    first = load(
        "foliot: 1\nid: m\ninitial: _root\nentry: [{log: 1}]\nstates: {_root: {on: {e: _root_}}, _root_: {}}",
        filename="m.yaml",
    )

    again = read_scxml(write_scxml(first), filename="m.scxml").definition

    assert again.root.children == first.root.children


def test_a_timeout_that_triggers_nothing_of_its_own_still_comes() -> None:
    text = "foliot: 1\nid: m\ninitial: a\nstates: {a: {after: {5s: []}, on: {'*': b}}, b: {}}"
    first = load(text, filename="m.yaml")

    assert read_scxml(write_scxml(first), filename="m.scxml").definition.root == first.root


@pytest.mark.parametrize("text", ["\x01", "\uffff", "x" * 1_048_576])
def test_what_no_document_can_hold_is_refused_and_not_lost(text: str) -> None:
    machine = load("foliot: 1\nid: m", filename="m.yaml").model_copy(update={"description": text})

    with pytest.raises(NotWritable, match="no document can hold it"):
        write_scxml(machine)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("<f:context>{</f:context>", "D101"),
        ("<f:context>[]</f:context>", "D203"),
        ('<f:context>{"type": "objekt"}</f:context>', "D701"),
        ('<f:context>{"required": ["n"]}</f:context>', "D705"),
        ('<f:event name="a">{"$ref": "http://b"}</f:event>', "D703"),
        ('<f:event name="a b"/>', "D503"),
        ('<datamodel f:initial="true"><data id="n">NaN</data></datamodel>', "D101"),
    ],
)
def test_what_foliots_own_words_say_wrongly_is_told_at_its_line(part: str, code: str) -> None:
    names = 'xmlns="http://www.w3.org/2005/07/scxml" xmlns:f="urn:foliot:scxml"'

    with pytest.raises(DefinitionRefused) as caught:
        read_scxml(f'<scxml {names}>\n{part}\n<state id="a"/></scxml>', filename="m.scxml")

    assert [(each.code, each.line) for each in caught.value.diagnostics] == [(code, 2)]


@pytest.mark.parametrize("word", ["create", "poison"])
def test_a_word_that_is_none_is_told(word: str) -> None:
    names = 'xmlns="http://www.w3.org/2005/07/scxml" xmlns:f="urn:foliot:scxml"'

    with pytest.raises(DefinitionRefused, match="D204"):
        read_scxml(f'<scxml {names} f:{word}="x"><state id="a"/></scxml>', filename="m.scxml")


def test_what_is_told_of_a_machine_as_a_whole_is_there_in_the_language_itself_again() -> None:
    text = """
    foliot: 1
    id: m
    description: Why.
    create: explicit
    poison: skip
    context: {schema: {type: object, required: [n]}, initial: {n: 0}}
    events: {approve: {schema: {type: object, properties: {by: {type: string}}}}, go: null}
    initial: a
    states: {a: {description: First., on: {approve: {target: a, description: Again.}}}}
    """
    first = load(text, filename="m.yaml")

    second = read_scxml(write_scxml(first), filename="m.scxml").definition

    assert second == first
    assert load(dump(second), filename="m.json") == first


def test_data_that_somebody_adds_to_a_written_document_are_bound_as_in_any_other() -> None:
    written = write_scxml(load("foliot: 1\nid: m\ncontext: {initial: {n: 1}}", filename="m.yaml"))
    more = '<datamodel><data id="k" expr="n + 1"/></datamodel>'

    machine = read_scxml(written.replace("</datamodel>", f"</datamodel>{more}"), filename="m.scxml").definition

    assert start(compile(machine), BIRTH, NOW).state.context == {"n": 1, "k": 2}
