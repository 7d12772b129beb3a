"""Services in Foliot's own language: what they are given, how they end, and how often they are tried."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.cel import literal
from foliot.definition import Definition, load
from foliot.engine import (
    EndInvocation,
    Event,
    Invoke,
    Log,
    Policy,
    compile,  # noqa: A004 - the engine's own word
    decode,
    encode,
    retry_delay,
    start,
    step,
    stop,
)
from foliot.testing import Answer, Failure, Reply, Session, Sessions, Silence, scripted

SECOND = 1_000_000


def machine(invoke: str, rest: str = "") -> Definition:
    text = (
        "foliot: 1\nid: order\ncontext: {initial: {n: 3, got: null}}\ninitial: paying\nstates:\n"
        f"  paying:\n    invoke: {invoke}\n{rest}"
        "  paid: {}\n  failed: {}\n"
    )
    return load(text, filename="order.yaml")


KEEP = "actions: [{assign: {got: event.data}}]"
KEPT = {"actions": [{"assign": {"got": "event.data"}}]}
ENDS = f"onDone: {{target: paid, {KEEP}}}, onError: {{target: failed, {KEEP}}}"


def played(definition: Definition, *replies: Reply, **others: Reply) -> tuple[Sessions, Session]:
    services = {"charge": scripted(*replies)} | {name: scripted(reply) for name, reply in others.items()}
    sessions = Sessions(services=services)
    session = sessions.open(compile(definition))
    sessions.run()
    return sessions, session


def asked(definition: Definition) -> Invoke:
    """Give what a machine invokes when it is born."""
    effects = start(compile(definition), Event("", "", "", None), now=0).effects
    [invoke] = [effect for effect in effects if isinstance(effect, Invoke)]
    return invoke


def test_a_service_is_called_by_the_path_of_its_state_and_given_values_and_a_policy() -> None:
    invoke = asked(
        machine("{src: charge, type: http, input: {sum: context.n * 2}, timeout: 1m, retry: {attempts: 3, delay: 5s}}")
    )

    policy = Policy(attempts=3, delay=5 * SECOND, factor=2, delay_max=3_600 * SECOND, timeout=60 * SECOND)
    assert invoke == Invoke("paying", "http", "charge", None, {"sum": 6}, policy)


def test_a_service_is_found_and_given_all_by_expressions() -> None:
    invoke = asked(machine("{id: x, src: {expression: \"'ch' + 'arge'\"}, input: '[context.n]'}"))

    assert (invoke.id, invoke.source, invoke.data) == ("x", "charge", [3])


@pytest.mark.parametrize("given", ["{sum: context.none}", "context.none", "{sum: 1 / 0}"])
def test_a_service_whose_input_has_no_value_is_not_begun(given: str) -> None:
    definition = machine(f"{{src: charge, input: {given}, {ENDS}}}", "    onError: failed\n")

    step = start(compile(definition), Event("", "", "", None), now=0)

    assert step.state.configuration == ("failed",)
    assert not any(isinstance(effect, Invoke) for effect in step.effects)
    assert not step.state.invocations


def test_optional_input_without_a_value_is_left_out_and_told() -> None:
    definition = machine(
        "{src: charge, inputOptional: {sum: context.none, n: context.n}}",
        "    on: {error.execution: {actions: [{log: event.data.where}]}}\n",
    )

    _, session = played(definition, Silence())

    assert asked(definition).data == {"n": 3}
    assert session.logs == ["sum in invocation paying#0"]


def test_an_answer_comes_when_it_is_time_and_ends_the_invocation() -> None:
    sessions, session = played(machine(f"{{src: charge, {ENDS}}}"), Answer({"receipt": 7}, after=5 * SECOND))
    sessions.wait(5 * SECOND - 1)
    before = session.state.configuration

    sessions.wait(1)

    assert before == ("paying",)
    assert session.state.configuration == ("paid",)
    assert session.state.context["got"] == {"receipt": 7}
    assert not session.state.invocations


def test_a_service_is_tried_again_after_longer_and_longer_delays() -> None:
    definition = machine(f"{{src: charge, retry: {{attempts: 4, delay: 2s, factor: 3, delayMax: 10s}}, {ENDS}}}")
    tried: list[tuple[int, int]] = []

    def fail(_invoke: Invoke, attempt: int) -> Reply:
        tried.append((attempt, sessions.now // SECOND))
        return Failure(f"attempt {attempt}")

    sessions = Sessions(services={"charge": fail})
    session = sessions.open(compile(definition))
    sessions.wait(60 * SECOND)

    assert tried == [(1, 0), (2, 2), (3, 8), (4, 18)]
    assert session.state.configuration == ("failed",)
    assert session.state.context["got"] == {"attempts": 4, "reason": "failed", "message": "attempt 4"}


def test_without_a_policy_the_first_failure_is_the_end() -> None:
    _, session = played(machine(f"{{src: charge, {ENDS}}}"), Failure("no"), Answer())

    assert session.state.context["got"] == {"attempts": 1, "reason": "failed", "message": "no"}


@pytest.mark.parametrize(
    ("replies", "attempts"),
    [
        ((Silence(),), 1),
        ((Answer(after=31 * SECOND),), 1),
        ((Failure(after=12 * SECOND), Failure(after=12 * SECOND), Silence()), 3),
        # The time is up while the next attempt is waited for.
        ((Failure(after=12 * SECOND), Failure(after=16 * SECOND), Answer()), 2),
    ],
)
def test_when_the_time_is_up_all_attempts_are_over(replies: tuple[Reply, ...], attempts: int) -> None:
    definition = machine(f"{{src: charge, timeout: 30s, retry: {{attempts: 9, delay: 1s, factor: 2}}, {ENDS}}}")
    sessions, session = played(definition, *replies)
    sessions.wait(30 * SECOND - 1)
    before = session.state.configuration

    sessions.wait(60 * SECOND)

    assert before == ("paying",)
    assert session.state.configuration == ("failed",)
    assert session.state.context["got"] == {
        "attempts": attempts,
        "reason": "timeout",
        "message": "no answer within 30 s",
    }


def test_who_leaves_the_state_hears_no_more_of_its_service() -> None:
    definition = machine(
        "{src: charge, timeout: 5s, retry: {attempts: 2}, onDone: paid, onError: failed}",
        "    on: {cancel: waiting}\n  waiting: {on: {'*': failed}}\n",
    )
    sessions, session = played(definition, Failure(), Answer())
    sessions.send(session, "cancel")

    sessions.wait(10 * SECOND)

    assert session.state.configuration == ("waiting",)


def test_a_state_that_is_entered_again_has_a_service_of_its_own() -> None:
    definition = machine(f"{{src: charge, {ENDS}}}", "    on: {again: {target: paying, reenter: true}}\n")
    sessions, session = played(definition, Answer("first", after=4 * SECOND), Answer("second", after=4 * SECOND))
    sessions.wait(2 * SECOND)
    sessions.send(session, "again")
    sessions.wait(2 * SECOND)
    between = session.state.configuration

    sessions.wait(2 * SECOND)

    assert between == ("paying",)
    assert session.state.context["got"] == "second"


def test_the_ends_of_a_service_come_before_errors_of_every_kind_and_before_all_events() -> None:
    definition = machine(
        f"{{src: charge, {ENDS}}}",
        "    onError: {actions: [{log: \"'error'\"}]}\n    on: {'*': {actions: [{log: event.type}]}}\n",
    )

    _, good = played(definition, Answer())
    _, bad = played(definition, Failure())

    assert (good.state.configuration, good.logs) == (("paid",), [])
    assert (bad.state.configuration, bad.logs) == (("failed",), [])


def test_an_invocation_whose_name_begins_like_another_is_another() -> None:
    definition = machine("[{id: a, src: quick, onDone: failed}, {id: a.b, src: charge, onDone: paid}]")

    _, session = played(definition, Answer(), quick=Silence())

    assert session.state.configuration == ("paid",)


def test_finalize_sees_the_answer_before_transitions_are_chosen() -> None:
    definition = machine(
        "{src: charge, finalize: [{assign: {got: event.data}}], onDone: [{guard: context.got == 5, target: paid}]}"
    )

    _, session = played(definition, Answer(5))

    assert session.state.configuration == ("paid",)


def test_a_machine_is_a_service_too_and_time_ends_it() -> None:
    child = (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel"><state id="s">'
        '<transition event="e" target="heard"/></state><state id="heard"/></scxml>'
    )
    invoke = {"id": "child", "type": "scxml", "content": literal(child), "timeout": "5s", "onError": KEPT}
    definition = machine(
        json.dumps(invoke), "    on: {hello: {actions: [{send: {event: e, to: {target: '#_child'}}}]}}\n"
    )
    sessions, session = played(definition)
    sessions.send(session, "hello")
    sessions.run()
    running = [each.state.configuration for each in sessions.all.values()]

    sessions.wait(6 * SECOND)

    assert running == [("paying",), ("heard",)]
    assert list(sessions.all) == [session.id]
    assert session.state.configuration == ("paying",)
    assert session.state.context["got"]["reason"] == "timeout"


def test_what_cannot_be_reached_has_its_own_reason() -> None:
    sessions = Sessions()
    session = sessions.open(compile(machine(f"{{src: 'file:nowhere', {ENDS}}}")))
    sessions.run()

    assert session.state.configuration == ("failed",)
    assert session.state.context["got"]["reason"] == "unreachable"


@given(
    st.integers(1, 100),
    st.integers(0, 10**9),
    st.integers(1, 100) | st.floats(1, 100),
    st.integers(0, 10**12),
)
def test_delays_grow_up_to_the_longest(failures: int, delay: int, factor: float, delay_max: int) -> None:
    policy = Policy(100, delay, factor, delay_max)

    delays = [retry_delay(policy, number) for number in range(1, failures + 1)]

    assert delays[0] == min(delay, delay_max)
    assert delays == sorted(delays)
    assert max(delays) <= delay_max


@pytest.mark.parametrize(
    ("delay", "due"),
    [("'1.5s'", 1_500_000), ("context.n * 1000", 3_000_000), ("''", 0), ("0", 0)],
)
def test_a_dynamic_send_tells_its_event_its_delay_and_its_data_by_expressions(delay: str, due: int) -> None:
    step = sent(
        f"{{event: {{expression: \"'ti' + 'ck'\"}}, delay: {{expression: \"{delay}\"}}, data: {{n: context.n}}}}"
    )

    [timer] = step.state.timers.values()
    assert (timer.event, timer.data, timer.due) == ("tick", {"n": 3}, due)


@pytest.mark.parametrize(
    "send",
    [
        "{event: {expression: context.n}}",
        "{event: tick, delay: {expression: '-1'}}",
        "{event: tick, delay: {expression: \"'soon'\"}}",
        "{event: tick, delay: {expression: \"'99999999999d'\"}}",
        "{event: tick, delay: {expression: 'true'}}",
        "{event: {expression: \"'done.state.' + 'x'\"}}",
        "{event: {expression: \"'done.state.x'\"}, to: {target: '#_internal'}}",
        "{event: {expression: \"'a' + '\\\\u0000'\"}}",
        "{event: {expression: \"'a b'\"}}",
        "{event: {expression: \"'tick'\"}, data: {n: context.none}}",
    ],
)
def test_a_dynamic_send_without_a_value_is_an_error_of_its_block(send: str) -> None:
    step = sent(send)

    assert step.state.configuration == ("failed",)
    assert not step.state.timers


def test_a_dynamic_cancel_takes_no_timeout_of_a_state_away() -> None:
    text = (
        "foliot: 1\nid: m\ninitial: a\n"
        "states:\n  a:\n    after: {1m: late}\n    onError: {actions: [{log: \"'refused'\"}]}\n"
        "    on: {end: {actions: [{cancel: {expression: event.data}}]}}\n  late: {}\n"
    )
    definition = compile(load(text, filename="m.yaml"))
    born = start(definition, Event("", "", "", None), now=0)

    after = step(definition, born.state, Event("", "", "end", "after.60000.a"), now=0)

    assert list(after.state.timers) == ["after.60000.a"]
    assert Log("refused") in after.effects


def sent(send: str) -> Any:
    text = (
        "foliot: 1\nid: m\ncontext: {initial: {n: 3}}\ninitial: a\n"
        f"states:\n  a:\n    entry: [{{send: {send}}}]\n    onError: failed\n  failed: {{}}\n"
    )
    return start(compile(load(text, filename="m.yaml")), Event("", "", "", None), now=0)


def test_services_end_in_their_order_even_where_their_state_was_kept_meanwhile() -> None:
    order = compile(machine("[{id: b, src: charge}, {id: a, src: charge}]"))
    state = start(order, Event("", "", "", None), now=0).state

    stopped = [stop(order, each, now=0).effects for each in (state, decode(encode(state)))]

    assert stopped == [(EndInvocation("b"), EndInvocation("a"))] * 2


def test_a_guard_on_the_id_of_a_service_is_asked_with_the_event_after_it() -> None:
    always = "    always: {guard: context.got != null, target: paid}\n    on: {'*': {}}\n"
    compiled = compile(machine("{src: charge, idLocation: got}", always))

    born = start(compiled, Event("", "", "", None), now=0).state
    then = step(compiled, born, Event("e", "test", "any", None), now=0).state

    assert (born.configuration, then.configuration) == (("paying",), ("paid",))
    assert born.context["got"] is not None
