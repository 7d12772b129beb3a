"""Actions and guards as functions: each expression is compiled once, when the machine is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, assert_never

import orjson

from foliot.cel import CelError, EvaluationError, to_json
from foliot.definition import (
    Action,
    Assign,
    Cancel,
    Constant,
    Expression,
    Log,
    Raise,
    Send,
    compile_guard,
    compile_value,
)
from foliot.engine.errors import DefinitionNotCompilable
from foliot.engine.measures import is_plain
from foliot.engine.scratch import Macrostep

InState: TypeAlias = Callable[[str], bool]
Evaluate: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], InState], Any]
Guard: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any], InState], bool]
Block: TypeAlias = Callable[[Macrostep, InState], None]


def compile_condition(source: str, where: str) -> Guard:
    """Compile a guard; it raises `EvaluationError` where it has no value. `where` is its place in the definition."""
    try:
        return compile_guard(source).evaluate
    except CelError as error:
        raise DefinitionNotCompilable(str(error), where=f"guard of {where}") from error


def compile_block(actions: tuple[Action, ...], where: str) -> Block | None:
    """Compile a block of actions. An error in one stops the block and raises `error.execution`."""
    if not actions:
        return None
    places = tuple(f"{action.kind}, action {number} of {where}" for number, action in enumerate(actions))
    steps = tuple((place, _action(action, place)) for place, action in zip(places, actions, strict=True))

    def perform(macrostep: Macrostep, in_state: InState) -> None:
        for place, act in steps:
            try:
                act(macrostep, in_state)
            except EvaluationError as error:
                macrostep.fail(str(error), place)
                return

    return perform


def _action(action: Action, where: str) -> Block:
    match action:
        case Assign():
            return _assign(action, where)
        case Raise():
            return _raise(action, where)
        case Send():
            return _send(action, where)
        case Cancel():
            return lambda macrostep, _: macrostep.disarm(action.id)
        case Log():
            return _log(action, where)
        case _:
            assert_never(action)


def _assign(action: Assign, where: str) -> Block:
    # What has no JSON is refused by the macrostep, which looks at every value anyway.
    evaluators = tuple((name, _run(value, f"{name} in {where}")) for name, value in sorted(action.values.items()))

    def assign(macrostep: Macrostep, in_state: InState) -> None:
        context, event = macrostep.context, macrostep.event
        macrostep.assign({name: evaluate(context, event, in_state) for name, evaluate in evaluators}, where)

    return assign


def _raise(action: Raise, where: str) -> Block:
    data_of = _data(action.data, where)
    return lambda macrostep, in_state: macrostep.raise_event(action.event, data_of(macrostep, in_state))


def _send(action: Send, where: str) -> Block:
    data_of, topic = _data(action.data, where), action.topic
    if topic is not None:
        return lambda macrostep, in_state: macrostep.send(topic, action.event, data_of(macrostep, in_state))
    delay_us = (action.delay_ms or 0) * 1_000
    return lambda macrostep, in_state: macrostep.arm(action.id, delay_us, action.event, data_of(macrostep, in_state))


def _log(action: Log, where: str) -> Block:
    evaluate = _evaluator(action.expression, where)

    def log(macrostep: Macrostep, in_state: InState) -> None:
        value = evaluate(macrostep.context, macrostep.event, in_state)
        macrostep.check(value, where)
        macrostep.log(value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())

    return log


def _data(data: Mapping[str, Expression], where: str) -> Callable[[Macrostep, InState], Any]:
    """Compile the data of an event; an event that names none has null."""
    if not data:
        return lambda _macrostep, _in_state: None
    evaluators = _evaluators(data, where)

    def data_of(macrostep: Macrostep, in_state: InState) -> dict[str, Any]:
        context, event = macrostep.context, macrostep.event
        value = {name: evaluate(context, event, in_state) for name, evaluate in evaluators}
        macrostep.check(value, where)
        return value

    return data_of


def _evaluators(expressions: Mapping[str, Expression], where: str) -> tuple[tuple[str, Evaluate], ...]:
    return tuple((name, _evaluator(expressions[name], f"{name} in {where}")) for name in sorted(expressions))


def _evaluator(expression: Expression, where: str) -> Evaluate:
    run = _run(expression, where)

    def evaluate(context: Mapping[str, Any], event: Mapping[str, Any], in_state: InState) -> Any:
        value = run(context, event, in_state)
        return value if is_plain(value) else to_json(value)

    return evaluate


def _run(expression: Expression, where: str) -> Evaluate:
    """Compile an expression whose value is CEL's."""
    if isinstance(expression, Constant):
        value = expression.value
        return lambda _context, _event, _in_state: value
    try:
        return compile_value(expression.source).evaluate
    except CelError as error:
        raise DefinitionNotCompilable(str(error), where=where) from error
