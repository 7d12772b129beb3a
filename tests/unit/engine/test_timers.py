from __future__ import annotations

from unit.engine.sessions import NOW, Session, event

from foliot.engine import ArmTimer, CancelTimer, Timer, step

AFTER = """
    initial: a
    states:
      a: {after: {10s: b}, on: {again: {target: a, reenter: true}, out: b, quick: c}}
      b: {on: {back: a}}
      c: {after: {5s: a}, always: a}
"""
ARMED = "after.10000.a"


def test_a_timeout_is_armed_on_entry_and_cancelled_on_exit() -> None:
    session = Session(AFTER)
    due = NOW + 10_000_000

    assert session.last.effects == (ArmTimer(ARMED, 1, due, ARMED, None),)
    assert session.state.timers == {ARMED: Timer(1, ARMED, None, due)}

    left = session.send("out")

    assert left.effects == (CancelTimer(ARMED, 1),)
    assert left.state.timers == {}


def test_a_state_that_is_left_and_entered_in_one_step_arms_its_timeout_anew() -> None:
    session = Session(AFTER)

    again = session.send("again", now=NOW + 7)

    assert again.effects == (CancelTimer(ARMED, 1), ArmTimer(ARMED, 2, NOW + 10_000_007, ARMED, None))


def test_a_timer_that_is_armed_and_cancelled_in_one_step_leaves_no_trace() -> None:
    session = Session(AFTER)

    quick = session.send("quick")

    assert session.active == ("a",)
    assert [effect.id for effect in quick.effects if isinstance(effect, ArmTimer | CancelTimer)] == [ARMED, ARMED]


def test_a_timer_that_fires_leaves_the_state_without_being_cancelled() -> None:
    session = Session(AFTER)

    fired = session.fire(ARMED)

    assert (session.active, fired.effects, fired.state.timers) == (("b",), (), {})


def test_the_event_of_a_timer_that_is_not_armed_is_dropped_and_the_very_state_returns() -> None:
    session = Session(AFTER)

    for timer in ((ARMED, 0), ("other", 1)):
        dropped = step(session.machine, session.state, event(ARMED, None, timer), NOW)

        assert dropped.outcome == "dropped"
        assert dropped.state is session.state


def test_a_producer_cannot_play_a_timeout() -> None:
    session = Session(AFTER)

    ignored = session.send(ARMED)

    assert (ignored.outcome, session.active) == ("ignored", ("a",))
    assert ARMED in session.state.timers


def test_a_timeout_of_a_child_is_not_taken_for_its_parents_whose_id_it_begins_with() -> None:
    session = Session("""
        initial: a
        states:
          a: {after: {1s: out}, initial: b, states: {b: {after: {1s: {target: c}}}, c: {}}}
          out: {}
    """)

    session.fire("after.1000.a.b")

    assert session.active == ("a.c",)


SENDS = """
    initial: a
    states:
      a:
        on:
          go:
            actions:
              - send: {event: one}
              - send: {event: two, delay: 1s, data: {n: context.n}}
              - send: {event: three, delay: 2s, id: mine}
          stop: {actions: [{cancel: mine}]}
          never: {actions: [{send: {event: x, id: brief}}, {cancel: brief}, {send: {event: y, delay: 3s, id: mine}}]}
          one: {actions: [{assign: {n: context.n + 1}}]}
"""


def test_a_send_to_itself_is_a_timer_with_its_id_or_one_made_of_position_and_ordinal() -> None:
    session = Session(SENDS)

    taken = session.send("go")

    assert taken.effects == (
        ArmTimer("send.2.0", 2, NOW, "one", None),
        ArmTimer("send.2.1", 2, NOW + 1_000_000, "two", {"n": 0}),
        ArmTimer("mine", 2, NOW + 2_000_000, "three", None),
    )
    assert session.fire("send.2.0").state.context["n"] == 1


def test_cancel_disarms_by_id_and_the_same_id_replaces() -> None:
    session = Session(SENDS)
    session.send("go")

    replaced = session.send("never")
    stopped = session.send("stop")

    assert replaced.effects == (CancelTimer("mine", 2), ArmTimer("mine", 3, NOW + 3_000_000, "y", None))
    assert stopped.effects == (CancelTimer("mine", 3),)


def test_a_timer_whose_event_nothing_takes_leaves_the_state_all_the_same() -> None:
    session = Session(SENDS)
    session.send("go")

    fired = session.fire("send.2.1")

    assert fired.outcome == "ignored"
    assert set(fired.state.timers) == {"send.2.0", "mine"}
