"""All rewrites, one after the other, until none finds anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from foliot.definition import Definition, after_id
from foliot.optimizing.dead import drop_dead
from foliot.optimizing.flattening import flatten
from foliot.optimizing.hoisting import drop_inherited, hoist_shared
from foliot.optimizing.merging import merge_equivalent
from foliot.optimizing.removals import Removal, Rewrite
from foliot.optimizing.tree import Tree, renumbered
from foliot.optimizing.unreachable import drop_unreachable
from foliot.optimizing.visibility import Visibility
from foliot.testing import name_transition

Rewriter: TypeAlias = Callable[[Tree, Visibility], Rewrite | None]
REWRITERS: Final[tuple[Rewriter, ...]] = (
    drop_inherited,
    drop_dead,
    drop_unreachable,
    merge_equivalent,
    flatten,
    hoist_shared,
)
"""In this order; after each that finds something the first is asked again.

What children have from their parent goes before what is dead: else the parent's would be, since all children have it.
"""


@dataclass(frozen=True, slots=True)
class Names:
    """Where the states of a machine went, and its timers: by id, what of it is still there."""

    states: Mapping[str, str]
    timers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Optimized:
    """A machine that does what another does. `removals` name states and transitions of that other one."""

    definition: Definition
    names: Names
    removals: tuple[Removal, ...]


def rewrite(definition: Definition, rewriters: Sequence[Rewriter] = REWRITERS) -> Optimized:
    """Rewrite a machine until nothing is found. That the result does the same is for `prove` to show."""
    states = {node.id: node.id for node in definition.root.walk()}
    written = {each.index: each for node in definition.root.walk() for each in node.outgoing()}
    removals: list[Removal] = []
    current = definition
    while (found := _next(current, rewriters)) is not None:
        origins = {now: before for before, now in reversed(states.items())}
        for each in found.removals:
            state = origins[each.state]
            what = state if each.transition < 0 else name_transition(state, written[each.transition])
            removals.append(each._replace(state=state, what=what))
        current = current.model_copy(update={"root": found.root})
        left = {node.id for node in found.root.walk()}
        moved = {before: found.moved.get(now, now) for before, now in states.items()}
        states = {before: now for before, now in moved.items() if now in left}
    if not removals:
        return Optimized(definition, Names(states, _timers(definition, states)), ())
    current = current.model_copy(update={"root": renumbered(current.root)})
    return Optimized(current, Names(states, _timers(definition, states)), tuple(removals))


def _next(definition: Definition, rewriters: Sequence[Rewriter]) -> Rewrite | None:
    tree, visibility = Tree(definition.root), Visibility(definition)
    return next((found for each in rewriters if (found := each(tree, visibility)) is not None), None)


def _timers(definition: Definition, states: Mapping[str, str]) -> dict[str, str]:
    """Tell what the timer of each timeout is called where its state has another id."""
    return {
        timeout.id: after_id(timeout.delay_ms, states[node.id])
        for node in definition.root.walk()
        for timeout in node.after
        if states.get(node.id, node.id) != node.id
    }
