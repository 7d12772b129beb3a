"""The normalized tree: what the sugar of the language becomes, and its canonical form."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pydantic
import pytest

from foliot.definition import (
    Assign,
    Cel,
    Constant,
    Definition,
    Raise,
    Send,
    StateNode,
    check,
    compile_guard,
    dump,
    dump_yaml,
    load,
)

FOLDER = Path(__file__).parents[3] / "examples"
EXAMPLES = sorted(set(FOLDER.glob("*/*.yaml")) - set(FOLDER.glob("*/*.test.yaml")))


def node(text: str, state_id: str = "a") -> StateNode:
    definition = load(f"foliot: 1\nid: m\n{text}", filename="m.yaml")
    return {found.id: found for found in definition.root.walk()}[state_id]


def test_there_are_examples():
    assert {path.parent.name for path in EXAMPLES} >= {"agent_turn", "incident", "order"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_clean(path: Path):
    text = path.read_bytes()

    found = check(text, filename=path.name)

    assert [str(diagnostic) for diagnostic in found] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_survives_being_written_and_read_again(path: Path):
    definition = load(path.read_bytes(), filename=path.name)

    again = load(dump(definition), filename="again.json")

    assert again.canonical() == definition.canonical()
    assert load(dump_yaml(definition), filename="again.yaml") == definition
    assert Definition.from_canonical(definition.canonical()) == definition


def test_the_hash_is_that_of_the_canonical_form():
    definition = load("foliot: 1\nid: m\n", filename="m.yaml")

    assert definition.hash == hashlib.blake2b(definition.canonical(), digest_size=32).hexdigest()


def test_the_order_of_keys_that_mean_nothing_does_not_change_the_hash():
    one = load("foliot: 1\nid: m\ncontext: {initial: {x: 1, y: 2}}\nevents: {a: {}, b: {}}\n", filename="m")
    other = load("events: {b: {}, a: {}}\ncontext: {initial: {y: 2, x: 1}}\nid: m\nfoliot: 1\n", filename="m")

    assert one.hash == other.hash


def test_the_order_of_states_and_of_events_changes_the_hash():
    one = load("foliot: 1\nid: m\ninitial: a\nstates: {a: {on: {e: b}}, b: {}}\n", filename="m")
    other = load("foliot: 1\nid: m\ninitial: a\nstates: {b: {}, a: {on: {e: b}}}\n", filename="m")

    assert one.hash != other.hash


def test_transitions_are_numbered_in_document_order_with_the_engines_own_events_first():
    text = (
        "initial: a\non: {r: a}\nstates:\n  a:\n    on: {x: b, y: [{guard: 'false', target: b}, b]}\n"
        "    after: {1s: b}\n    always: [{guard: 'false', target: b}]\n  b:\n    on: {z: a}\n"
    )
    root = node(text, "")

    numbers = [
        (transition.index, state.id, transition.event) for state in root.walk() for transition in state.outgoing()
    ]

    assert numbers == [
        (0, "", "r"),
        (1, "a", None),
        (2, "a", "after.1000.a"),
        (3, "a", "x"),
        (4, "a", "y"),
        (5, "a", "y"),
        (6, "b", "z"),
    ]


def test_targets_become_full_ids():
    text = (
        "initial: a\nstates:\n  a:\n    initial: x\n    on: {one: b.z, two: .y, three: '#a.y'}\n"
        "    states: {x: {on: {four: y}}, y: {}}\n  b: {initial: z, states: {z: {}}}\n"
    )

    outer, inner = node(text, "a"), node(text, "a.x")

    assert [transition.targets for transition in outer.transitions] == [("b.z",), ("a.y",), ("a.y",)]
    assert inner.transitions[0].targets == ("a.y",)


def test_kinds_are_inferred():
    text = "initial: a\nstates:\n  a: {on: {e: c.h}}\n  c: {initial: d, states: {d: {}, h: {history: deep}}}\n"

    kinds = [state.kind for state in node(text, "").walk()]

    assert kinds == ["compound", "atomic", "compound", "atomic", "history"]


def test_a_history_state_is_shallow_unless_it_says_otherwise():
    text = "initial: a\nstates: {a: {on: {e: h}}, h: {type: history, target: a}}\n"

    history = node(text, "h")

    assert (history.history, history.default_targets) == ("shallow", ("a",))


def test_actions_lose_their_sugar():
    text = (
        "initial: a\nstates:\n  a:\n    entry:\n      - raise: ping\n      - send: {event: pong}\n"
        "      - send: {event: pong, delay: 2h, id: t, data: {n: 1.0}}\n"
        "      - send: {event: pong, to: {topic: x}}\n      - assign: {a: '1', b: 1, c: null, d: true}\n"
    )

    actions = node(text).entry

    assert actions == (
        Raise(event="ping", data={}),
        Send(event="pong", data={}, delay_ms=0, id=None, topic=None),
        Send(event="pong", data={"n": Constant(value=1.0)}, delay_ms=7_200_000, id="t", topic=None),
        Send(event="pong", data={}, delay_ms=None, id=None, topic="x"),
        Assign(
            values={
                "a": Cel(source="1"),
                "b": Constant(value=1),
                "c": Constant(value=None),
                "d": Constant(value=True),
            }
        ),
    )


def test_models_are_frozen_and_closed():
    definition = load("foliot: 1\nid: m\n", filename="m.yaml")

    with pytest.raises(pydantic.ValidationError):
        definition.id = "other"
    with pytest.raises(pydantic.ValidationError):
        Definition.model_validate({**definition.model_dump(), "extra": 1})


def test_expressions_see_context_event_and_in_state_in_this_order():
    guard = compile_guard("context.a == event.data.b && inState('x') && digest('') != ''")

    result = guard.evaluate({"a": 1}, {"data": {"b": 1}}, lambda state: state == "x")

    assert result is True


def test_topics_are_those_of_all_actions_wherever_they_stand():
    text = """
        foliot: 1
        id: m
        initial: a
        states:
          a:
            entry:
              - if: [{guard: 'true', actions: [{send: {event: e, to: {topic: in-a-branch}}}]}]
              - foreach: {array: '[1]', item: i, actions: [{block: [{send: {event: e, to: {topic: in-a-loop}}}]}]}
            on: {go: {actions: [{send: {event: e, to: {topic: on-the-way}}}]}}
    """

    assert load(text, filename="m.yaml").topics == {"in-a-branch", "in-a-loop", "on-the-way"}
