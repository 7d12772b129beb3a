"""What decides the way of a machine: the names of its context that guards depend on, and what it reads of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, assert_never

from foliot.cel import CelError
from foliot.definition import (
    Action,
    Assign,
    Block,
    Cancel,
    Cel,
    Definition,
    Dispatch,
    Expression,
    ForEach,
    If,
    Log,
    Payload,
    Raise,
    Send,
    Withdraw,
    compile_value,
)

_ALL: Final = "*"


def guards_of(definition: Definition) -> Iterator[str]:
    """Yield all guards: of transitions, and of branches of actions."""
    for state in definition.root.walk():
        for transition in state.outgoing():
            if transition.guard is not None:
                yield transition.guard
    for action in definition.actions():
        if isinstance(action, If):
            yield from (branch.guard for branch in action.branches if branch.guard is not None)


def all_expressions(definition: Definition) -> Iterator[str]:
    """Yield every expression of a machine; those inside of other actions come more than once."""
    yield from guards_of(definition)
    yield from expressions_of(definition.actions())
    for state in definition.root.walk():
        yield from () if state.output is None else _of_payload(state.output)
        for invocation in state.invocations:
            yield from _in_cel(invocation.type, invocation.source, invocation.content)
            yield from _of_payload(invocation.payload)


def deciding_names(definition: Definition, sources: Iterable[str] = ()) -> frozenset[str] | None:
    """Name what of the context guards and `sources` read, or what flows into that; None where it may be all.

    Two instances in the same states that differ in no such name go the same ways.
    """
    if definition.system or any(state.invocations for state in definition.root.walk()):
        return None
    actions = list(definition.actions())
    wanted = {name for source in (*guards_of(definition), *sources) for name in _context_names(source)}
    for action in actions:
        wanted |= {name for source in _steering(action) for name in _context_names(source)}
    flows = {
        (name, read)
        for action in actions
        if isinstance(action, Assign)
        for name, expression in action.values.items()
        for read in _names_of(expression)
    }
    flows |= {
        (name, read)
        for action in actions
        if isinstance(action, ForEach)
        for name in (action.item, *([action.index] if action.index else []))
        for read in _names_of(action.array)
    }
    while more := {read for name, read in flows if name in wanted} - wanted:
        wanted |= more
    return None if _ALL in wanted else frozenset(wanted)


def event_fields(sources: Iterable[str]) -> frozenset[str]:
    """Name the fields of an event's data that expressions read."""
    reads = {path for source in sources for path in reads_of(source)}
    return frozenset(path.split(".")[2] for path in reads if path.startswith("event.data.") and path.count(".") >= 2)


def expressions_of(actions: Iterable[Action]) -> Iterator[str]:  # noqa: C901 - one for each kind
    """Yield the expressions of actions, and of those inside of them."""
    for action in actions:
        match action:
            case Assign():
                yield from _in_cel(*action.values.values())
            case Raise() | Send():
                yield from _in_cel(*action.data.values())
            case Log():
                yield from _in_cel(action.expression)
            case If():
                for branch in action.branches:
                    yield from [branch.guard] if branch.guard else []
                    yield from expressions_of(branch.actions)
            case ForEach():
                yield from _in_cel(action.array)
                yield from expressions_of(action.actions)
            case Block():
                yield from expressions_of(action.actions)
            case Dispatch():
                yield from _in_cel(action.event, action.target, action.processor, action.delay)
                yield from _of_payload(action.payload)
            case Withdraw():
                yield from _in_cel(action.id)
            case Cancel():
                pass
            case _:
                assert_never(action)


def _of_payload(payload: Payload) -> Iterator[str]:
    yield from _in_cel(*payload.values.values(), *payload.required.values(), payload.content)


def _in_cel(*expressions: Expression | None) -> Iterator[str]:
    yield from (each.source for each in expressions if isinstance(each, Cel))


def _steering(action: Action) -> Iterator[str]:
    """Yield what decides which events come, and with what."""
    match action:
        case Raise() | Send(topic=None):
            yield from _in_cel(*action.data.values())
        case ForEach():
            yield from _in_cel(action.array)
        case Dispatch() | Withdraw():
            yield "context"
        case _:
            pass


def _names_of(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Cel):
        yield from _context_names(expression.source)


def _context_names(source: str) -> Iterator[str]:
    for path in reads_of(source):
        root, _, rest = path.partition(".")
        if root == "context":
            yield rest.partition(".")[0] or _ALL


@lru_cache(maxsize=4_096)
def reads_of(source: str) -> frozenset[str]:
    """Give the dotted paths that an expression reads; none of one that is no expression."""
    try:
        return compile_value(source).reads
    except CelError:
        return frozenset()
