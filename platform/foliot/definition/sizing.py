"""How large a machine is: what its time and memory grow with, wherever it is read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from foliot.definition.diagnostics import Faults, ReadingStopped
from foliot.definition.model import Cel, Definition, If, Node, StateNode, Transition
from foliot.definition.tree import Located, Place


def check_size(definition: Definition, faults: Faults, where: Located | Place) -> None:
    """Refuse a machine that is too large, before anything looks at each of its parts again.

    Raises:
        ReadingStopped: it is; `faults` says in what.
    """
    limits, states = faults.limits, tuple(definition.root.walk())
    sizes = (
        # The machine itself is no state to who writes it.
        (len(states) - 1, limits.states_max, "states"),
        (sum(1 for state in states for _ in state.outgoing()), limits.transitions_max, "transitions"),
        (sum(1 for state in states for _ in _expressions(state)), limits.expressions_max, "expressions"),
    )
    for count, count_max, parts in sizes:
        if count > count_max:
            what = f"There are {count} {parts}, and {count_max} are allowed."
            faults.error("D116", where, what, "Split the machine.")
    active = _active(definition.root)
    if active > limits.active_max:
        what = f"Up to {active} states are active at the same time, and {limits.active_max} are allowed."
        faults.error("D117", where, what, "Put fewer regions into parallel states, or make instances of what repeats.")
    kept = _kept(definition.root)
    if kept > limits.kept_names_bytes_max:
        what = f"The names of what is active and remembered may take {kept} bytes in each state."
        faults.error("D118", where, what, "Have fewer history states around regions, or shorter names.")
    if faults.any_error("D116", "D117", "D118"):
        raise ReadingStopped("the machine is too large")


def _active(state: StateNode) -> int:
    """Count the states that are active at once from this one down, at most."""
    below = [_active(child) for child in state.children if child.kind != "history"]
    return 1 + (sum(below) if state.kind == "parallel" else max(below, default=0))


def _leaves(state: StateNode) -> int:
    """Count the bytes of the ids of the leaves that are active at once, at most."""
    below = [_leaves(child) for child in state.children if child.kind != "history"]
    if not below:
        return len(state.id.encode())
    return sum(below) if state.kind == "parallel" else max(below)


def _kept(root: StateNode) -> int:
    """Count the bytes of the ids that an instance holds: of its leaves, and of those that history states remember."""
    return _leaves(root) + sum(
        _leaves(state) for state in root.walk() for child in state.children if child.kind == "history"
    )


def _expressions(value: Any) -> Iterator[Cel | str]:
    """Yield the expressions of a part of a machine, but not those of the states below it."""
    match value:
        case Cel():
            yield value
        case tuple():
            for each in value:
                yield from _expressions(each)
        case dict():
            yield from _expressions(tuple(value.values()))
        case StateNode():
            yield from _expressions(tuple(each for name, each in vars(value).items() if name != "children"))
        case Node():
            if isinstance(value, Transition) and value.guard is not None:
                yield value.guard
            if isinstance(value, If):
                yield from (branch.guard for branch in value.branches if branch.guard is not None)
            yield from _expressions(tuple(vars(value).values()))
