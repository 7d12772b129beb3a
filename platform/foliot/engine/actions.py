"""Actions and guards as functions: each expression is compiled once, when the machine is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

import orjson

from foliot.cel import EvaluationError
from foliot.definition import (
    Action,
    Assign,
    Block,
    Branch,
    Cancel,
    Dispatch,
    Expression,
    ForEach,
    If,
    Log,
    Raise,
    Send,
    Withdraw,
)
from foliot.engine.evaluating import Evaluate, Guard, InState, compile_condition, compile_raw, compile_value_of
from foliot.engine.scratch import Macrostep, Raised
from foliot.engine.sending import compile_dispatch
from foliot.reserved import RESERVED_EVENT

Perform: TypeAlias = Callable[[Macrostep, InState], object]
Assigned: TypeAlias = tuple[tuple[str, Evaluate], ...]


class RolledBack(Exception):
    """An action failed in a state that undoes its step then; `error` is the event that tells of it."""

    def __init__(self, error: Raised) -> None:
        super().__init__()
        self.error = error


class _Stopped(Exception):
    """An error has been raised as an event; the block that it happened in has ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Routine:
    """A block of actions made ready.

    Where all that it does is to assign, `assigns` has what each action does, and `sees_event` tells whether one of them
    looks at the event.
    """

    perform: Perform
    assigns: tuple[Assigned, ...] | None
    sees_event: bool


def compile_block(actions: tuple[Action, ...], where: str, *, rollback: bool = False) -> Routine | None:
    """Compile a block of actions. An error in one stops the block and raises `error.execution`.

    With `rollback` the block then raises `RolledBack`, if the macrostep can be undone.
    """
    if not actions:
        return None
    places = _places(actions, where)
    assigns = [action for action in actions if isinstance(action, Assign)]
    if len(assigns) < len(actions):
        perform = _in_turn(tuple((place, _action(action, place)) for place, action in places))
        return Routine(_undoing(perform) if rollback else perform, None, sees_event=False)
    compiled = [(place, *_assigned(action, place)) for (place, _), action in zip(places, assigns, strict=True)]
    perform = _in_turn(tuple((place, _assigning(assigned, place)) for place, assigned, _ in compiled))
    return Routine(
        _undoing(perform) if rollback else perform,
        tuple(assigned for _, assigned, _ in compiled),
        sees_event=any(sees for _, _, sees in compiled),
    )


def _undoing(block: Callable[[Macrostep, InState], bool]) -> Perform:
    def perform(macrostep: Macrostep, in_state: InState) -> None:
        # The error of a block inside of this one counts as well, though it ends nothing but that block.
        before = macrostep.stops
        block(macrostep, in_state)
        stopped_by = macrostep.stopped_by
        if stopped_by is not None and macrostep.stops > before and macrostep.undoes:
            raise RolledBack(stopped_by)

    return perform


def _places(actions: tuple[Action, ...], where: str) -> tuple[tuple[str, Action], ...]:
    return tuple((f"{action.kind}, action {number} of {where}", action) for number, action in enumerate(actions))


def _block(actions: tuple[Action, ...], where: str) -> Callable[[Macrostep, InState], bool]:
    """Compile a block that tells whether it came to its end."""
    return _in_turn(tuple((place, _action(action, place)) for place, action in _places(actions, where)))


def _in_turn(steps: tuple[tuple[str, Perform], ...]) -> Callable[[Macrostep, InState], bool]:

    def perform(macrostep: Macrostep, in_state: InState) -> bool:
        for place, act in steps:
            try:
                act(macrostep, in_state)
            except EvaluationError as error:
                macrostep.stop(str(error), place, error)
                return False
            except _Stopped:
                return False
        return True

    return perform


def _nested(actions: tuple[Action, ...], where: str) -> Perform:
    """Compile actions inside of one: an error in them ends the block around, too."""
    block = _block(actions, where)

    def perform(macrostep: Macrostep, in_state: InState) -> None:
        if not block(macrostep, in_state):
            raise _Stopped

    return perform


def _action(action: Action, where: str) -> Perform:  # noqa: C901, PLR0911 - one for each kind
    match action:
        case Assign():
            return _assigning(_assigned(action, where)[0], where)
        case Raise():
            return _raise(action, where)
        case Send():
            return _send(action, where)
        case Cancel():
            return lambda macrostep, _: macrostep.disarm(action.id)
        case Log():
            return _log(action, where)
        case If():
            return _if(action, where)
        case ForEach():
            return _for_each(action, where)
        case Block():
            return _block(action.actions, where)
        case Dispatch():
            return compile_dispatch(action, where)
        case Withdraw():
            return _withdraw(action, where)
        case _:
            assert_never(action)


def _if(action: If, where: str) -> Perform:
    branches = tuple(_branch(branch, f"branch {number} of {where}") for number, branch in enumerate(action.branches))

    def choose(macrostep: Macrostep, in_state: InState) -> None:
        for place, guard, perform in branches:
            try:
                if guard is not None and not guard(macrostep.context, macrostep.event, in_state):
                    continue
            except EvaluationError as error:
                macrostep.fail(str(error), place)
                continue
            perform(macrostep, in_state)
            return

    return choose


def _branch(branch: Branch, where: str) -> tuple[str, Guard | None, Perform]:
    guard = None if branch.guard is None else compile_condition(branch.guard, where)[0]
    return f"guard of {where}", guard, _nested(branch.actions, where)


def _for_each(action: ForEach, where: str) -> Perform:
    items_of = compile_value_of(action.array, f"the list of {where}")
    perform, item_name, index_name = _nested(action.actions, where), action.item, action.index

    def repeat(macrostep: Macrostep, in_state: InState) -> None:
        items = items_of(macrostep.context, macrostep.event, in_state)
        if not isinstance(items, list):
            raise EvaluationError("no_matching_overload", "This is no list, whose items could be gone through.")
        # What the actions do to the list, they do to a list that the next ones are not taken from.
        for index, item in enumerate(tuple(items)):
            macrostep.turn(where)
            macrostep.assign({item_name: item} if index_name is None else {item_name: item, index_name: index}, where)
            perform(macrostep, in_state)

    return repeat


def _withdraw(action: Withdraw, where: str) -> Perform:
    evaluate = compile_value_of(action.id, where)

    def withdraw(macrostep: Macrostep, in_state: InState) -> None:
        send_id = str(evaluate(macrostep.context, macrostep.event, in_state))
        if RESERVED_EVENT.match(send_id):
            raise EvaluationError("invalid_argument", f"{send_id[:80]!r} is a timeout of a state, which ends with it.")
        macrostep.withdraw(send_id)

    return withdraw


def _assigning(evaluators: Assigned, where: str) -> Perform:
    def assign(macrostep: Macrostep, in_state: InState) -> None:
        context, event = macrostep.context, macrostep.event
        macrostep.assign({name: evaluate(context, event, in_state) for name, evaluate in evaluators}, where)

    return assign


def _assigned(action: Assign, where: str) -> tuple[Assigned, bool]:
    """Compile what an action assigns, and tell whether it looks at the event.

    What has no JSON is refused where it is kept, since every value is looked at there anyway.
    """
    compiled = [(name, *compile_raw(value, f"{name} in {where}")) for name, value in sorted(action.values.items())]
    return tuple((name, evaluate) for name, evaluate, _ in compiled), any(sees for _, _, sees in compiled)


def _raise(action: Raise, where: str) -> Perform:
    data_of = _data(action.data, where)
    return lambda macrostep, in_state: macrostep.raise_event(action.event, data_of(macrostep, in_state))


def _send(action: Send, where: str) -> Perform:
    data_of, topic = _data(action.data, where), action.topic
    if topic is not None:
        return lambda macrostep, in_state: macrostep.send(topic, action.event, data_of(macrostep, in_state))
    delay_us = (action.delay_ms or 0) * 1_000
    return lambda macrostep, in_state: macrostep.arm(action.id, delay_us, action.event, data_of(macrostep, in_state))


def _log(action: Log, where: str) -> Perform:
    evaluate = compile_value_of(action.expression, where)

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
    return tuple((name, compile_value_of(expressions[name], f"{name} in {where}")) for name in sorted(expressions))
