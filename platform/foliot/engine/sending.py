"""Sends, invocations and outputs whose every part is an expression (SCXML 5.5, 6.2 and 6.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from foliot.cel import EvaluationError
from foliot.definition import Dispatch, Expression, Invocation, Payload, delay_us
from foliot.engine.evaluating import Evaluate, InState, compile_value_of
from foliot.engine.scratch import SCXML_PROCESSOR, Macrostep, SendFailed
from foliot.engine.values import Invoke, session_address

PROCESSORS: Final = frozenset({"", "scxml", SCXML_PROCESSOR, SCXML_PROCESSOR.removesuffix("#SCXMLEventProcessor")})
SERVICES: Final = frozenset({"", "scxml", "http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml"})
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
    delay_of = _text_of(action.delay, f"the delay of {where}")
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
            wait_us = _microseconds(delay_of(macrostep, in_state))
            _must_be_known(processor, PROCESSORS, "event processor")
            _must_be_target(target)
            data = data_of(macrostep, in_state)
        except EvaluationError as error:
            raise SendFailed(error, send_id) from error
        if target == "#_internal":
            macrostep.raise_event(event_type, data)
        elif not target or target == session_address(macrostep.session_id):
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
    payload = invocation.payload
    data_of = compile_payload(Payload(values=payload.values, required=payload.required), where)
    content_of = None if payload.content is None else compile_value_of(payload.content, where)

    def begin(macrostep: Macrostep, in_state: InState) -> None:
        invoke_id = invocation.id or f"{state_id}.{macrostep.new_id('invoke')}"
        try:
            kind = type_of(macrostep, in_state)
            _must_be_known(kind, SERVICES, "service")
            source = source_of(macrostep, in_state)
            content = None if content_of is None else content_of(macrostep.context, macrostep.event, in_state)
            data = data_of(macrostep, in_state)
            if invocation.id_location is not None:
                macrostep.assign({invocation.id_location: invoke_id}, where)
        except EvaluationError as error:
            macrostep.fail(str(error), where)
            return
        macrostep.invoke(Invoke(invoke_id, kind, source, content, data), key)

    return Invoking(key, begin, finalize, invocation.forwards)


def _must_be_known(kind: str, known: frozenset[str], what: str) -> None:
    if kind not in known:
        raise EvaluationError("invalid_argument", f"There is no {what} of the type {kind[:80]!r}.")


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


def _microseconds(delay: str) -> int:
    if not delay:
        return 0
    found = delay_us(delay)
    if found is None:
        raise EvaluationError("invalid_argument", f"{delay[:80]!r} is no duration such as 250ms, 1.5s or 15m.")
    return found
