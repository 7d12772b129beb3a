"""A machine that goes the same ways and tells more: of each transition when it is asked for, and of each failure.

Transitions without a guard get one that is true, so that whoever listens to guards hears of all of them; what fails and
is handled nowhere is logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from foliot.definition import Cel, Definition, Log, StateNode, Transition
from foliot.engine import Log as Logged
from foliot.engine import Step

_MARK: Final = "foliot.analysis"
_BETWEEN: Final = "\n"
_ERROR: Final = "error.execution"
# It asks for no type of event: machines that do are searched with more of them.
_IS_FAILURE: Final = "has(event.data.what) && has(event.data.where)"


class Failure(NamedTuple):
    """An expression that had no value: where in the definition, and why."""

    where: str
    what: str


def watched(definition: Definition) -> Definition:
    """Make the telling machine. The index of what it has more is one beyond all others."""
    root = _guarded(definition.root)
    if not definition.system:
        count = sum(1 for node in definition.root.walk() for _ in node.outgoing())
        root = root.model_copy(update={"transitions": (*root.transitions, _listener(count))})
    return definition.model_copy(update={"root": root})


def failures(step: Step) -> Iterator[Failure]:
    """Yield what a step of the telling machine failed to evaluate."""
    for effect in step.effects:
        if isinstance(effect, Logged) and _MARK in effect.text:
            _, where, what = effect.text.split(_BETWEEN, 2)
            yield Failure(where, what)


def _listener(index: int) -> Transition:
    source = f"'{_MARK}\\n' + event.data.where + '\\n' + event.data.what"
    actions = (Log(expression=Cel(source=source)),)
    return Transition(index=index, event=_ERROR, targets=(), guard=_IS_FAILURE, actions=actions, reenter=False)


def _guarded(node: StateNode) -> StateNode:
    children = tuple(_guarded(child) for child in node.children)
    return node.regrouped(_all_guarded).model_copy(update={"children": children})


def _all_guarded(transitions: tuple[Transition, ...]) -> Iterator[Transition]:
    for each in transitions:
        yield each if each.guard is not None else each.model_copy(update={"guard": "true"})
