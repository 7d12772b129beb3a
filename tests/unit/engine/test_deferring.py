"""Events that a state defers, by examples."""

from __future__ import annotations

import pytest
from unit.engine.sessions import Session

from foliot.engine import Limits, Log, TooManyDeferred, decode, encode

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


POISON = """
initial: busy
states:
  busy: {defer: [bad, good], on: {ready: idle}}
  idle:
    onError: [rollback, {actions: [{assign: {seen: "context.seen + event.data.event"}}]}]
    on:
      bad:
        actions:
          - assign: {n: context.n + 10}
          - send: {event: told, delay: 1s}
          - assign: {n: context.missing}
      good: {actions: [{assign: {n: context.n + 1}}]}
      back: busy
"""


def test_a_deferred_event_that_fails_is_gone_with_what_it_did_and_the_step_that_came_before_it_stands() -> None:
    session = Session(POISON)
    for event_type in ("good", "bad", "good"):
        session.send(event_type)

    taken = session.send("ready")

    assert (session.active, taken.outcome) == (("idle",), "taken")
    assert (session.state.context, session.state.deferred) == ({"n": 2, "seen": "bad"}, ())
    assert [type(effect) for effect in taken.effects] == [Log]
    assert "rolled back: " in str(taken.effects)


def test_nothing_of_a_deferred_event_that_fails_is_left_even_if_it_ended_the_machine() -> None:
    session = Session("""
        initial: busy
        states:
          busy: {defer: [end], on: {ready: idle}}
          idle:
            on: {end: over, go: {actions: [{assign: {n: 1}}]}}
            exit: [{assign: {n: context.missing}}]
            onError: rollback
          over: {type: final}
    """)
    session.send("end")

    session.send("ready")
    session.send("go")

    assert (session.active, session.state.context["n"], session.state.done) == (("idle",), 1, False)


def test_a_deferred_event_of_a_timer_is_kept_as_it_is_encoded() -> None:
    session = Session("""
        initial: a
        states: {a: {entry: [{send: {event: x, id: t, delay: 1s}}], defer: x, on: {go: b}}, b: {}}
    """)

    assert session.fire("t").outcome == "deferred"
    assert decode(encode(session.state)) == session.state
