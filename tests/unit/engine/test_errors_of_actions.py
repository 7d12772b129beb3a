"""What becomes of a step in which an action fails, by examples."""

from __future__ import annotations

import pytest
from unit.engine.sessions import Session

from foliot.engine import Limits, Log, Send, TooManyTurns

FAILING = """
    onError: {}
    initial: calm
    states:
      calm:
        on:
          go:
            target: busy
            actions:
              - assign: {{n: context.n + 1}}
              - send: {{event: told, to: {{topic: t}}}}
              - assign: {{seen: context.missing}}
              - assign: {{n: context.n + 10}}
      busy: {{}}
      failed: {{}}
"""


def test_without_a_word_an_error_ends_its_block_and_the_step_goes_on() -> None:
    session = Session(FAILING.format("[]"))

    session.send("go")

    assert (session.active, session.state.context["n"]) == (("busy",), 1)
    assert session.last.effects == (Send(0, "t", "told", None),)


def test_a_state_says_where_errors_lead() -> None:
    session = Session(FAILING.format("{target: failed, actions: [{assign: {seen: event.data.what}}]}"))

    session.send("go")

    assert (session.active, session.state.context["n"]) == (("failed",), 1)
    assert "missing" in session.state.context["seen"]


def test_the_errors_of_a_state_come_before_the_events_that_it_takes_anyhow() -> None:
    session = Session("""
        initial: a
        states:
          a:
            entry: [{assign: {n: context.missing}}]
            onError: failed
            on: {'*': elsewhere}
          elsewhere: {}
          failed: {}
    """)

    assert session.active == ("failed",)


def test_a_step_that_is_rolled_back_leaves_nothing_but_word_of_it() -> None:
    session = Session(FAILING.format("rollback"))

    session.send("go")

    assert (session.active, session.state.context["n"], session.last.outcome) == (("calm",), 0, "ignored")
    assert session.state.position == 2
    assert [type(effect) for effect in session.last.effects] == [Log]
    assert "assign, action 2 of transition" in str(session.last.effects)


def test_the_state_of_before_may_answer_the_error_that_rolled_its_step_back() -> None:
    target = "[rollback, {target: failed, actions: [{assign: {seen: event.data.event}}]}]"
    session = Session(FAILING.format(target))

    session.send("go")

    assert (session.active, session.state.context) == (("failed",), {"n": 0, "seen": "go"})
    assert session.last.outcome == "taken"


def test_a_timer_that_fired_is_spent_even_if_its_step_is_rolled_back() -> None:
    session = Session("""
        initial: a
        states:
          a:
            onError: rollback
            after: {1s: {target: b, actions: [{assign: {n: context.missing}}]}}
          b: {}
    """)
    (timer_id,) = session.state.timers

    session.fire(timer_id)

    assert (session.active, dict(session.state.timers)) == (("a",), {})


@pytest.mark.parametrize(("place", "undone"), [("inner", True), ("outer", True), ("beside", False)])
def test_what_fails_below_a_state_that_undoes_is_undone_and_nothing_beside_it(place: str, undone: bool) -> None:  # noqa: FBT001
    rollback = {name: "onError: rollback, " if name == place else "" for name in ("inner", "outer", "beside")}
    session = Session(f"""
        initial: outer
        states:
          outer: {{{rollback["outer"]}initial: inner, states: {{inner: {{{rollback["inner"]}on: {{go: {{
            target: '#beside', actions: [{{assign: {{n: 1}}}}, {{assign: {{n: context.missing}}}}]}}}}}}}}}}
          beside: {{{rollback["beside"]}}}
    """)

    session.send("go")

    assert session.active == (("outer.inner",) if undone else ("beside",))


def test_an_error_at_birth_cannot_be_undone_and_goes_on_like_any_other() -> None:
    session = Session("""
        initial: a
        states:
          a: {onError: [rollback, b], entry: [{assign: {n: context.missing}}]}
          b: {}
    """)

    assert session.active == ("b",)


def test_an_error_while_an_error_is_answered_is_not_undone_again() -> None:
    session = Session("""
        initial: calm
        states:
          calm:
            onError:
              - rollback
              - {target: failed, actions: [{assign: {n: 5}}, {assign: {seen: context.missing}}]}
            on: {go: {actions: [{assign: {n: context.missing}}]}}
          failed: {}
    """)

    session.send("go")

    assert (session.active, session.state.context["n"]) == (("failed",), 5)


def test_the_error_of_a_block_inside_is_undone_too() -> None:
    session = Session("""
        onError: rollback
        initial: a
        states:
          a:
            on:
              go:
                target: b
                actions: [{assign: {n: 1}}, {block: [{assign: {n: context.missing}}]}]
          b: {}
    """)

    session.send("go")

    assert (session.active, session.state.context["n"]) == (("a",), 0)


def test_deferred_events_come_before_later_ones_after_a_step_was_undone() -> None:
    session = Session("""
        initial: w
        states:
          w:
            defer: [e]
            onError: [rollback, r]
            on: {boom: {actions: [{assign: {n: context.missing}}]}}
          r: {on: {e: took, later: late}}
          took: {}
          late: {}
    """)

    session.send("e")
    session.send("boom")

    assert (session.active, session.state.deferred) == (("took",), ())


def test_loops_that_turn_too_often_are_refused() -> None:
    loop = "{foreach: {array: 'range', item: n, actions: [{foreach: {array: 'range', item: n, actions: []}}]}}"
    text = f"{{initial: a, states: {{a: {{on: {{go: {{actions: [{loop}]}}}}}}}}}}".replace(
        "range", "[1, 2, 3, 4, 5, 6]"
    )

    Session(text, Limits(turns_max=42)).send("go")
    with pytest.raises(TooManyTurns, match="more than 41 turns"):
        Session(text, Limits(turns_max=41)).send("go")
