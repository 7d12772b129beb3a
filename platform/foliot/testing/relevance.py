"""What decides the way of a machine: the names of its context that guards depend on, and what it reads of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from foliot.cel import CelError
from foliot.definition import (
    Action,
    Assign,
    Block,
    Cel,
    Definition,
    Dispatch,
    Expression,
    ForEach,
    If,
    Log,
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
    """Yield all expressions that decide or set something."""
    yield from guards_of(definition)
    yield from expressions_of(definition.actions())


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


def expressions_of(actions: Iterable[Action]) -> Iterator[str]:
    """Yield the expressions of actions."""
    for action in actions:
        match action:
            case Assign():
                yield from (each.source for each in action.values.values() if isinstance(each, Cel))
            case Raise() | Send():
                yield from (each.source for each in action.data.values() if isinstance(each, Cel))
            case Log(expression=Cel(source=source)):
                yield source
            case If():
                for branch in action.branches:
                    yield from [branch.guard] if branch.guard else []
                    yield from expressions_of(branch.actions)
            case ForEach():
                yield from [action.array.source] if isinstance(action.array, Cel) else []
                yield from expressions_of(action.actions)
            case Block():
                yield from expressions_of(action.actions)
            case _:
                pass


def _steering(action: Action) -> Iterator[str]:
    """Yield what decides which events come, and with what."""
    match action:
        case Raise() | Send(topic=None):
            yield from (each.source for each in action.data.values() if isinstance(each, Cel))
        case ForEach(array=Cel(source=source)):
            yield source
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
