"""Events that a state defers, by examples."""

from __future__ import annotations

import pytest
from unit.engine.sessions import Session

from foliot.engine import Limits, TooManyDeferred, decode, encode

DEFERRING = """
initial: busy
states:
  busy:
    defer: [job, note.*]
    initial: first
    states:
      first: {on: {job: second, next: second}}
      second: {}
    on: {ready: idle}
  idle:
    on:
      job: {actions: [{assign: {seen: "context.seen + event.id"}}]}
      note.x: {actions: [{assign: {seen: "context.seen + 'x'"}}]}
"""


def test_deferred_events_come_again_in_their_order_when_no_active_state_defers_them() -> None:
    session = Session(DEFERRING)
    session.send("next")

    outcomes = [session.send(event_type).outcome for event_type in ("job", "note.x", "job")]
    kept = [each.type for each in session.state.deferred]
    session.send("ready")

    assert outcomes == ["deferred"] * 3
    assert kept == ["job", "note.x", "job"]
    assert session.state.context["seen"] == "e1xe1"
    assert (session.state.deferred, session.state.position) == ((), 6)


def test_a_transition_below_the_state_that_defers_wins_and_one_above_does_not() -> None:
    session = Session(DEFERRING)
    session.send("job")
    assert session.active == ("busy.second",)

    above = Session("{initial: a, states: {a: {initial: b, on: {x: c}, states: {b: {defer: x}}}, c: {}}}")
    assert above.send("x").outcome == "deferred"
    assert above.active == ("a.b",)


def test_deferred_events_survive_the_encoding() -> None:
    session = Session(DEFERRING)
    session.send("next")
    session.send("note.x", {"k": [1]})

    assert decode(encode(session.state)) == session.state


def test_more_deferred_events_than_allowed_are_refused() -> None:
    session = Session(DEFERRING, Limits(deferred_max=2))
    for _ in range(3):
        session.send("next")
    session.send("job")
    session.send("job")

    with pytest.raises(TooManyDeferred):
        session.send("job")
