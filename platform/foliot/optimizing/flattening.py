"""A state with one child, which begins when it begins and ends when it ends, becomes one with it."""

from __future__ import annotations

from collections.abc import Mapping

from foliot.definition import Action, Assign, Block, Log, Raise, StateNode
from foliot.optimizing.descriptors import grouped, overlap
from foliot.optimizing.removals import Removal, Rewrite
from foliot.optimizing.tree import Tree, edited, renamed
from foliot.optimizing.visibility import Visibility


def flatten(tree: Tree, visibility: Visibility) -> Rewrite | None:
    """Flatten one state, the first in document order that allows it."""
    for node in tree.nodes.values():
        if node.kind == "compound" and node.id != tree.root.id and len(node.children) == 1:
            child = node.children[0]
            if _fit(tree, node, child, visibility) and (rewrite := _flattened(tree, node, child)) is not None:
                return rewrite
    return None


def _fit(tree: Tree, node: StateNode, child: StateNode, visibility: Visibility) -> bool:
    """Say whether what both do can be done by one, in the same order."""
    parent = tree.nodes[tree.parents[node.id] or ""]
    if child.kind in {"final", "history"} or any(visibility.shows(each) for each in child.walk()):
        return False
    if (parent.kind == "parallel" and child.can_be_done) or node.on_done or node.default_actions or node.invocations:
        return False
    rollback = any(tree.nodes[each].rollback for each in (node.id, *tree.above(node.id)))
    twice = (node.entry and child.entry) or (node.exit and child.exit)
    if (child.rollback and not rollback) or (rollback and twice):
        return False
    delays = [each.delay_ms for each in (*node.after, *child.after)]
    # Timers that are due at the same time fire in the order of arming.
    if len(delays) > len(set(delays)) or (
        child.after and not all(isinstance(a, Assign | Log | Raise) for a in node.entry)
    ):
        return False
    return _keeps_order(node, child)


def _keeps_order(node: StateNode, child: StateNode) -> bool:
    """Say whether the child's transitions would still be asked before those of the state."""
    if node.after and any(overlap(each.event, "after") for each in child.transitions):
        return False
    return not (child.defer and (node.transitions or node.on_error or node.after))


def _flattened(tree: Tree, node: StateNode, child: StateNode) -> Rewrite | None:
    # Where the child takes errors by `on`, those of the state stand behind it there: `onError` would come first.
    late = node.on_error if any(overlap(each.event, "error") for each in child.transitions) else ()
    transitions = grouped((*child.transitions, *late, *node.transitions))
    if transitions is None:
        return None
    one = child.model_copy(
        update={
            "name": node.name,
            "description": node.description or child.description,
            "entry": _in_turn(node.entry, child.entry),
            "exit": _in_turn(child.exit, node.exit),
            "always": (*child.always, *node.always),
            "after": (*node.after, *child.after),
            "on_error": (*child.on_error, *(node.on_error if not late else ())),
            "transitions": transitions,
            "rollback": node.rollback,
            "defer": tuple(dict.fromkeys((*node.defer, *child.defer))),
        }
    )
    below = f"{child.id}."
    moved = {
        each.id: f"{node.id}.{each.id.removeprefix(below)}" if each.id.startswith(below) else each.id
        for each in child.walk()
    } | {child.id: node.id}
    root = renamed(tree, edited(tree.root, lambda each: one if each.id == node.id else each), moved)
    if not _moves_alike(tree, Tree(root), node.id, moved):
        return None
    return Rewrite(root, (Removal("flattened", child.id, -1, child.id, f"{node.id} has no other child"),), moved)


def _in_turn(first: tuple[Action, ...], second: tuple[Action, ...]) -> tuple[Action, ...]:
    """Run two blocks in turn: an error ends one of them, not the other."""
    if not first or not second:
        return first or second
    return (Block(actions=first), Block(actions=second))


def _moves_alike(before: Tree, after: Tree, state: str, moved: Mapping[str, str]) -> bool:
    """Say whether each transition leaves what it left; the child alone may be left where nobody sees it."""
    child = before.nodes[state].children[0]
    is_bare = not (child.entry or child.exit or child.after or any(each.kind == "history" for each in child.children))
    # A transition that leaves nothing is in nobody's way; beside other regions that decides which one is taken.
    if not child.children and any(before.nodes[each].kind == "parallel" for each in before.above(state)):
        is_bare = False
    domains = before.domains()
    for index, domain in after.domains().items():
        old = domains[index]
        if domain != (None if old is None else moved.get(old, old)) or (old == state and not is_bare):
            return False
    return True
