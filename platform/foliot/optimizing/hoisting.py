"""Transitions that a child has in common with its parent, or with all other children, stand at the parent alone."""

from __future__ import annotations

from foliot.definition import StateNode, Transition
from foliot.optimizing.dead import takes
from foliot.optimizing.descriptors import grouped, overlap
from foliot.optimizing.removals import Removal, Rewrite
from foliot.optimizing.tree import Tree, edited, without_transitions
from foliot.optimizing.visibility import Visibility
from foliot.testing import name_transition

_OF_THE_ENGINE = ("error", "done", "after")


def drop_inherited(tree: Tree, visibility: Visibility) -> Rewrite | None:
    """Drop transitions that the parent would take in their place, with the same result."""
    found: dict[int, Removal] = {}
    for parent in tree.nodes.values():
        for child in parent.children if parent.kind == "compound" else ():
            for each in child.transitions:
                if _may_rise(tree, each, child, parent) and _takes_its_place(tree, each, child, parent, visibility):
                    what, why = name_transition(child.id, each), f"{parent.id or 'the root'} has the same"
                    found[each.index] = Removal("inherited", child.id, each.index, what, why)
    return Rewrite(without_transitions(tree.root, found), tuple(found.values()), {}) if found else None


def hoist_shared(tree: Tree, visibility: Visibility) -> Rewrite | None:
    """Put one transition that all children have at their parent; one that takes its events anyway may be without."""
    for parent in tree.nodes.values():
        children = [child for child in parent.children if child.kind != "history"]
        if parent.kind != "compound" or any(child.kind == "final" for child in children):
            continue
        for source, first in ((child, each) for child in children for each in child.transitions):
            if not _may_rise(tree, first, source, parent):
                continue
            shared = {other.id: _shared(tree, first, other, parent) for other in children}
            found = tuple((other, each) for other in children if (each := shared[other.id]) is not None)
            rest = (other for other in children if shared[other.id] is None)
            if len(found) < 2 or not all(_is_passed_by(other, first.event) for other in rest):
                continue
            if not all(visibility.asks_once(each) for _, each in found):
                continue
            if (rewrite := _hoisted(tree, parent, found)) is not None:
                return rewrite
    return None


def _is_passed_by(child: StateNode, descriptor: str | None) -> bool:
    """Say whether no such event comes from a child to its parent."""
    below = [each for each in child.children if each.kind != "history"]
    return takes(child, descriptor) or (bool(below) and all(takes(each, descriptor) for each in below))


def _hoisted(tree: Tree, parent: StateNode, found: tuple[tuple[StateNode, Transition], ...]) -> Rewrite | None:
    child, first = found[0]
    transitions = grouped((_risen(tree, first, child, parent), *parent.transitions))
    if transitions is None:
        return None
    gone = {
        each.index: Removal(
            *("hoisted", child.id, each.index, name_transition(child.id, each)),
            f"the children of {parent.id or 'the root'} have it in common",
        )
        for child, each in found
    }
    left = without_transitions(tree.root, gone)
    root = edited(
        left, lambda node: node.model_copy(update={"transitions": transitions}) if node.id == parent.id else node
    )
    return Rewrite(root, tuple(gone.values()), {})


def _shared(tree: Tree, first: Transition, child: StateNode, parent: StateNode) -> Transition | None:
    """Find the transition of a child that would be the same at the parent."""
    alike = (each for each in child.transitions if _is_same(each, first) and _may_rise(tree, each, child, parent))
    return next(alike, None)


def _is_same(one: Transition, other: Transition) -> bool:
    return (one.event, one.guard, one.targets, one.actions) == (other.event, other.guard, other.targets, other.actions)


def _may_rise(tree: Tree, transition: Transition, child: StateNode, parent: StateNode) -> bool:
    """Say whether a transition of the child would do the same at its parent, were it asked there first.

    It must be the last of the child's that fit its events; and what the engine raises has an order of its own.
    """
    behind = child.transitions[child.transitions.index(transition) + 1 :]
    event = transition.event or ""
    if any(overlap(event, each) for each in (*_OF_THE_ENGINE, *(other.event for other in behind), *child.defer)):
        return False
    if (child.rollback and transition.actions) or child.invocations:
        return False
    if any(tree.nodes[target].kind == "history" for target in transition.targets):
        return False
    risen = _risen(tree, transition, child, parent)
    return tree.domain(child.id, transition) == tree.domain(parent.id, risen)


def _risen(tree: Tree, transition: Transition, child: StateNode, parent: StateNode) -> Transition:
    """Give the transition as it would stand at the parent: `reenter` where the parent would be left."""
    domain = tree.domain(child.id, transition)
    within = bool(transition.targets) and tree.stays_within(parent.id, transition)
    return transition.model_copy(update={"reenter": within and domain != parent.id})


def _takes_its_place(
    tree: Tree, transition: Transition, child: StateNode, parent: StateNode, visibility: Visibility
) -> bool:
    """Say whether the first of the parent's transitions that fits the same events is the same one."""
    if not visibility.fails_unseen(transition) or not visibility.asks_once(transition):
        return False
    rival = next((each for each in parent.transitions if overlap(each.event, transition.event)), None)
    if rival is None or not _is_same(rival, transition):
        return False
    return tree.domain(parent.id, rival) == tree.domain(child.id, transition)
