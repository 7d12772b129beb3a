"""The difference of two versions, in words."""

from __future__ import annotations

from pathlib import Path

from foliot.definition import Definition, load
from foliot.registry import Difference, diff

EXAMPLES = Path(__file__).parents[3] / "examples" / "incident"

BEFORE = """
foliot: 1
id: door
context: {schema: {type: object, properties: {n: {type: integer}, old: {}}}, initial: {n: 0}}
events: {open: {schema: {type: object}}}
initial: closed
states:
  closed:
    on:
      open: {target: opened, guard: "context.n < 3"}
      lock: locked
  opened: {after: {5s: closed}}
  locked: {}
"""
AFTER = """
foliot: 1
id: door
poison: skip
context: {schema: {type: object, properties: {n: {type: number}, new: {}}}, initial: {n: 1}}
events: {open: {schema: {type: object}}}
initial: closed
states:
  closed:
    on:
      open: {target: opened, guard: "context.n < 4"}
      noise: {}
  opened: {after: {5s: closed}, entry: [{log: "'open'"}]}
  broken: {}
"""


def _load(text: str) -> Definition:
    return load(text, filename="door.yaml")


def test_every_part_that_differs_is_named_once() -> None:
    found = diff(_load(BEFORE), _load(AFTER))

    assert [(each.kind, each.what, each.path) for each in found] == [
        ("changed", "machine", "poison"),
        ("changed", "context", "schema.properties.n"),
        ("removed", "context", "schema.properties.old"),
        ("changed", "context", "initial.n"),
        ("added", "context", "schema.properties.new"),
        ("changed", "state", "opened"),
        ("removed", "state", "locked"),
        ("added", "state", "broken"),
        ("changed", "transition", "closed on open"),
        ("removed", "transition", "closed on lock"),
        ("added", "transition", "closed on noise"),
    ]


def test_a_changed_guard_shows_both_conditions() -> None:
    (guard,) = [each for each in diff(_load(BEFORE), _load(AFTER)) if each.path == "closed on open"]

    assert str(guard) == "~ transition closed on open: to opened if context.n < 3  →  to opened if context.n < 4"


def test_equal_machines_have_no_difference_whatever_their_order() -> None:
    assert diff(_load(BEFORE), _load(BEFORE + "# a comment\n")) == ()


def test_a_transition_that_moves_in_the_numbering_is_no_difference() -> None:
    more = BEFORE.replace("  locked: {}", "  locked: {}\n  other: {}").replace(
        "initial: closed", "always: []\ninitial: closed"
    )

    assert [each.path for each in diff(_load(BEFORE), _load(more))] == ["other"]


def test_alternatives_of_one_event_are_told_apart_by_their_place() -> None:
    text = BEFORE.replace("lock: locked", "lock: [{target: locked, guard: 'context.n > 1'}, opened]")

    found = diff(_load(BEFORE), _load(text))

    assert [(each.kind, each.path) for each in found] == [
        ("changed", "closed on lock"),
        ("added", "closed on lock (2)"),
    ]


def test_the_second_incident_machine_adds_a_suspended_state() -> None:
    first, second = (load((EXAMPLES / f"incident.v{n}.yaml").read_bytes(), filename="incident.yaml") for n in (1, 2))

    found = diff(first, second)

    assert Difference("added", "state", "open.suspended", "", "atomic") in found
    assert {each.kind for each in found} <= {"added", "changed"}
