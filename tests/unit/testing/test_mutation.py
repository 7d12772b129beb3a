"""Generated scenarios catch the mutants of the three example machines, and what is called alike is alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.definition import Definition, load
from foliot.engine import compile as compile_machine
from foliot.testing import generate, judge_mutants, mutants, play, score, tell_apart

EXAMPLES = Path(__file__).parents[3] / "examples"
ORDER = EXAMPLES / "order" / "order.yaml"
INCIDENT = EXAMPLES / "incident" / "incident.v3.yaml"
TURN = EXAMPLES / "agent_turn" / "agent_turn.yaml"

SMALL = """
foliot: 1
id: small
context: {initial: {count: 0, other: 0}}
events: {go: {schema: {type: object, properties: {by: {type: integer, minimum: 1}}, required: [by]}}}
initial: a
states:
  a:
    entry: [{log: "'a'"}]
    exit: [{assign: {other: 1}}]
    on: {go: [{guard: "event.data.by > 0 && context.count < 3", target: b}, {target: c}]}
  b:
    after: {5s: a}
    on: {back: {target: a, actions: [{assign: {count: "context.count + 1"}}, {send: {event: x, delay: 1s, id: t}}]}}
  c: {type: final}
"""


def read(text: str) -> Definition:
    return load(text, filename="machine.yaml")


@pytest.mark.parametrize("file", [ORDER, INCIDENT, TURN], ids=lambda file: file.stem)
def test_generated_scenarios_catch_nine_of_ten_mutants_of_an_example(file: Path):
    definition = load(file.read_bytes(), filename=file.name)

    counts = score(judge_mutants(definition, generate(definition).scenarios))

    assert counts.percent_of_all >= 90, counts
    assert counts.missed == 0, counts


def test_each_kind_of_fault_is_tried():
    found = {(each.kind, each.before, each.after) for each in mutants(read(SMALL))}

    assert found >= {
        ("initial", "a", "b"),
        ("action", "log 'a'", "nothing"),
        ("action", "assign other: 1", "nothing"),
        ("guard", "event.data.by > 0 && context.count < 3", "!(event.data.by > 0 && context.count < 3)"),
        ("guard", "event.data.by > 0 && context.count < 3", "event.data.by > 0 || context.count < 3"),
        ("guard", "event.data.by > 0 && context.count < 3", "event.data.by > 0 && context.count < 4"),
        ("guard", "event.data.by > 0 && context.count < 3", "true"),
        ("target", "b", "c"),
        ("transition", "b --back--> a", "nothing"),
        ("value", "count: context.count + 1", "count: context.count - 1"),
        ("value", "other: 1", "other: 2"),
        ("delay", "5000 ms", "10000 ms"),
        ("delay", "1000 ms", "2000 ms"),
    }
    with_errors = SMALL.replace("    exit:", '    onError: {target: c, guard: "context.count < 2"}\n    exit:')
    for text in (SMALL, with_errors):
        assert {each.definition.hash for each in mutants(read(text))}.isdisjoint({read(text).hash})


def test_a_machine_is_told_from_its_mutants_unless_they_are_alike():
    judged = list(judge_mutants(read(SMALL), ()))
    alike = {each.mutant.after for each in judged if each.verdict == "alike"}

    # The schema lets no smaller number in.
    assert alike == {
        "event.data.by >= 0 && context.count < 3",
        "event.data.by > -1 && context.count < 3",
    }
    assert {each.verdict for each in judged} == {"alike", "missed"}


def test_what_is_said_to_tell_a_mutant_from_its_machine_does():
    definition = read(SMALL)

    for each in judge_mutants(definition, ()):
        if each.scenario is not None:
            assert play(compile_machine(definition), each.scenario).passed
            assert not play(compile_machine(each.mutant.definition), each.scenario).passed, each.mutant


def test_a_difference_that_guards_do_not_read_is_found():
    changed = read(SMALL.replace('count: "context.count + 1"', 'count: "context.count + 1", note: "context.other"'))

    moves, _ = tell_apart(compile_machine(read(SMALL)), compile_machine(changed))

    assert [move.event for move in moves] == ["go", "back"]


@given(limit=st.integers(1, 6), other=st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_machines_differ_exactly_where_their_bounds_do(limit: int, other: int):
    one, two = (compile_machine(read(SMALL.replace("count < 3", f"count < {each}"))) for each in (limit, other))

    moves, complete = tell_apart(one, two)

    assert bool(moves) is (limit != other)
    assert complete is (limit == other)
    # Each round is two moves, and one more asks.
    assert len(moves) == (2 * min(limit, other) + 1 if limit != other else 0)
