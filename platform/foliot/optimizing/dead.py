"""Transitions that are never taken: their guard is false, or another always comes first."""

from __future__ import annotations

from collections.abc import Iterator

from foliot.definition import StateNode, Transition
from foliot.optimizing.descriptors import covers
from foliot.optimizing.removals import Removal, Rewrite
from foliot.optimizing.tree import Tree, without_transitions
from foliot.optimizing.visibility import Visibility
from foliot.testing import name_transition


def drop_dead(tree: Tree, visibility: Visibility) -> Rewrite | None:
    """Drop all of them."""
    found = {removal.transition: removal for node in tree.nodes.values() for removal in _dead(node, visibility)}
    if not found:
        return None
    return Rewrite(without_transitions(tree.root, found), tuple(found.values()), {})


def _dead(node: StateNode, visibility: Visibility) -> Iterator[Removal]:
    for group in node.groups():
        for number, transition in enumerate(group):
            why = _why(transition, group[:number], visibility)
            if why is None and group is node.transitions:
                why = _taken_below(transition, node)
            if why is not None:
                yield Removal("dead", node.id, transition.index, name_transition(node.id, transition), why)


def _why(transition: Transition, earlier: tuple[Transition, ...], visibility: Visibility) -> str | None:
    if (transition.guard or "").strip() == "false":
        return "its guard is never true"
    for other in earlier:
        if covers(other.event, transition.event):
            if is_certain(other):
                return "another transition of the state comes first and has no guard"
            if other.guard == transition.guard and visibility.fails_unseen(transition):
                return "another transition of the state comes first and has the same guard"
    return None


def _taken_below(transition: Transition, node: StateNode) -> str | None:
    """Say why no event comes past the children; a chain of transitions passes through one of them."""
    children = [child for child in node.children if child.kind != "history"]
    if children and all(takes(child, transition.event) for child in children):
        return "every child takes the event before, without a guard"
    return None


def takes(node: StateNode, descriptor: str | None) -> bool:
    """Say whether a state takes all events that fit, without asking a guard, so that none comes to its parent."""
    return any(is_certain(each) and covers(each.event, descriptor) for each in node.transitions)


def is_certain(transition: Transition) -> bool:
    """Say whether it is taken whenever it is asked."""
    return transition.guard is None or transition.guard.strip() == "true"
