"""Sends, invocations and outputs whose every part is an expression (SCXML 5.5, 6.2 and 6.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from foliot.cel import EvaluationError
from foliot.definition import EVENT_NAME, Dispatch, Expression, Invocation, Payload, delay_us
from foliot.engine.evaluating import Evaluate, InState, compile_value_of
from foliot.engine.measures import is_bulky
from foliot.engine.scratch import SCXML_PROCESSOR, Macrostep, SendFailed
from foliot.engine.values import Invoke, Policy, session_address
from foliot.reserved import RESERVED_EVENT

PROCESSORS: Final = frozenset({"", "scxml", SCXML_PROCESSOR, SCXML_PROCESSOR.removesuffix("#SCXMLEventProcessor")})
_DELAY_US_MAX: Final = 3_650 * 86_400_000_000
DataOf: TypeAlias = Callable[[Macrostep, InState], Any]


def compile_payload(payload: Payload, where: str) -> DataOf:
    """Compile what puts data together; it raises `EvaluationError` where what is required has no value."""
    if payload.content is not None:
        return _content(compile_value_of(payload.content, where), where)
    required = _named(payload.required, where)
    values = _named(payload.values, where)

    def data_of(macrostep: Macrostep, in_state: InState) -> Any:
        found = {name: evaluate(macrostep.context, macrostep.event, in_state) for name, evaluate in required}
        for name, evaluate in values:
            try:
                found[name] = evaluate(macrostep.context, macrostep.event, in_state)
            except EvaluationError as error:
                macrostep.fail(str(error), f"{name} in {where}")
        macrostep.check(found, where)
        return found or None

    return data_of


def compile_output(payload: Payload, where: str) -> DataOf:
    """Compile what a final state gives: nothing and an error where what is required has no value."""
    data_of = compile_payload(payload, where)
    if not payload.required:
        return data_of

    def output_of(macrostep: Macrostep, in_state: InState) -> Any:
        try:
            return data_of(macrostep, in_state)
        except EvaluationError as error:
            macrostep.fail(str(error), where)
            return None

    return output_of


def _content(evaluate: Evaluate, where: str) -> DataOf:
    def data_of(macrostep: Macrostep, in_state: InState) -> Any:
        try:
            value = evaluate(macrostep.context, macrostep.event, in_state)
        except EvaluationError as error:
            macrostep.fail(str(error), where)
            return None
        macrostep.check(value, where)
        return value

    return data_of


def _named(expressions: Mapping[str, Expression], where: str) -> tuple[tuple[str, Evaluate], ...]:
    return tuple((name, compile_value_of(each, f"{name} in {where}")) for name, each in expressions.items())


def compile_dispatch(action: Dispatch, where: str) -> Callable[[Macrostep, InState], None]:
    """Compile a send to a session, or to the instance itself through the external queue."""
    event_of = compile_value_of(action.event, f"the event of {where}")
    target_of = _text_of(action.target, f"the target of {where}")
    processor_of = _text_of(action.processor, f"the type of {where}")
    delay_of = None if action.delay is None else compile_value_of(action.delay, f"the delay of {where}")
    data_of = compile_payload(action.payload, f"the data of {where}")

    def dispatch(macrostep: Macrostep, in_state: InState) -> None:
        send_id = action.id
        if action.id_location is not None:
            send_id = macrostep.new_id("send")
            macrostep.assign({action.id_location: send_id}, where)
        try:
            event_type = _text(event_of(macrostep.context, macrostep.event, in_state), "event")
            target = target_of(macrostep, in_state)
            processor = processor_of(macrostep, in_state)
            wait_us = 0
            if delay_of is not None:
                wait_us = _microseconds(delay_of(macrostep.context, macrostep.event, in_state))
            if processor not in PROCESSORS:
                raise _unknown("event processor", processor)
            _must_be_target(target)
            stays = target in {"", "#_internal", session_address(macrostep.session_id)}
            if stays:
                _must_be_event(event_type)
            data = data_of(macrostep, in_state)
        except EvaluationError as error:
            raise SendFailed(error, send_id) from error
        if target == "#_internal":
            macrostep.raise_event(event_type, data)
        elif stays:
            macrostep.arm(send_id, wait_us, event_type, data)
        else:
            macrostep.deliver(target, event_type, data, send_id, wait_us)

    return dispatch


@dataclass(frozen=True, slots=True, eq=False)
class Invoking:
    """An invocation made ready: `begin` asks for the service, `finalize` runs when it answers."""

    key: str
    begin: Callable[[Macrostep, InState], None]
    finalize: Callable[[Macrostep, InState], object] | None
    forwards: bool


def compile_invocation(
    invocation: Invocation, key: str, state_id: str, finalize: Callable[[Macrostep, InState], object] | None
) -> Invoking:
    """Compile an invocation. `key` names it in states: its state and its place there."""
    where = f"invocation {key}"
    type_of = _text_of(invocation.type, f"the type of {where}")
    source_of = _text_of(invocation.source, f"the source of {where}")
    data_of = _input(invocation.payload, where)
    content_of = None if invocation.content is None else compile_value_of(invocation.content, where)
    policy = policy_of(invocation)

    def begin(macrostep: Macrostep, in_state: InState) -> None:
        invoke_id = invocation.id or f"{state_id}.{macrostep.new_id('invoke')}"
        try:
            kind = type_of(macrostep, in_state)
            if not macrostep.performs(kind):
                raise _unknown("service", kind)
            source = source_of(macrostep, in_state)
            content = None if content_of is None else content_of(macrostep.context, macrostep.event, in_state)
            data = data_of(macrostep, in_state)
            if invocation.id_location is not None:
                macrostep.assign({invocation.id_location: invoke_id}, where)
        except EvaluationError as error:
            macrostep.fail(str(error), where)
            return
        macrostep.invoke(Invoke(invoke_id, kind, source, content, data, policy), key)

    return Invoking(key, begin, finalize, invocation.forwards)


def _input(payload: Payload, where: str) -> DataOf:
    """Compile what a service is given; one expression for all of it must have a value."""
    if payload.content is None:
        return compile_payload(payload, where)
    evaluate = compile_value_of(payload.content, where)

    def data_of(macrostep: Macrostep, in_state: InState) -> Any:
        value = evaluate(macrostep.context, macrostep.event, in_state)
        macrostep.check(value, where)
        return value

    return data_of


def policy_of(invocation: Invocation) -> Policy:
    """Give the policy of an invocation as its effect has it."""
    retry, timeout_ms = invocation.retry, invocation.timeout_ms
    timeout = None if timeout_ms is None else timeout_ms * 1_000
    if retry is None:
        return Policy(timeout=timeout)
    return Policy(retry.attempts, retry.delay_ms * 1_000, retry.factor, retry.delay_max_ms * 1_000, timeout)


def _unknown(what: str, kind: str) -> EvaluationError:
    return EvaluationError("invalid_argument", f"There is no {what} of the type {kind[:80]!r}.")


def _must_be_event(name: str) -> None:
    if not EVENT_NAME.match(name) or is_bulky(name):
        raise EvaluationError("invalid_argument", f"{name[:80]!r} can't be the name of an event.")
    if RESERVED_EVENT.match(name):
        raise EvaluationError("invalid_argument", f"{name[:80]!r} is an event that Foliot alone gives.")


def _must_be_target(target: str) -> None:
    if target and not target.startswith("#_"):
        what = f"{target[:80]!r} is no target: #_internal, #_parent, #_scxml_ID or #_INVOKEID."
        raise EvaluationError("invalid_argument", what)


def _text_of(expression: Expression | None, where: str) -> Callable[[Macrostep, InState], str]:
    if expression is None:
        return lambda _macrostep, _in_state: ""
    evaluate = compile_value_of(expression, where)
    return lambda macrostep, in_state: _text(evaluate(macrostep.context, macrostep.event, in_state), where)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise EvaluationError("invalid_argument", f"{what} must be a text.")
    return value


def _microseconds(delay: Any) -> int:
    """Read a duration, as a text or in milliseconds."""
    if isinstance(delay, int) and not isinstance(delay, bool):
        found: int | None = delay * 1_000
    else:
        text = _text(delay, "the delay")
        found = delay_us(text) if text else 0
    if found is None or not 0 <= found <= _DELAY_US_MAX:
        what = f"{str(delay)[:80]!r} is no duration of at most 3650 days, such as 250ms, 1.5s or 15m."
        raise EvaluationError("invalid_argument", what)
    return found
