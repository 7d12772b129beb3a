"""States that no run enters, judged by the targets of transitions alone."""

from __future__ import annotations

from foliot.definition import StateNode
from foliot.optimizing.removals import Removal, Rewrite
from foliot.optimizing.tree import Tree, without_states
from foliot.optimizing.visibility import Visibility


def drop_unreachable(tree: Tree, visibility: Visibility) -> Rewrite | None:
    """Drop all of them, but those that an expression names."""
    kept = _reached(tree)
    named = {node.id for node in tree.nodes.values() if visibility.is_asked_for(node.id)} - kept
    kept |= named | {above for each in named for above in tree.above(each)}
    # What a state that is kept for its name refers to must be there.
    while more := {each for state in kept for each in _referred(tree.nodes[state])} - kept:
        kept |= more | {above for each in more for above in tree.above(each)}
    gone = [state for state in tree.nodes if state not in kept]
    if not gone:
        return None
    removals = tuple(Removal("unreachable", state, -1, state, "nothing leads to it") for state in gone)
    return Rewrite(without_states(tree.root, set(gone)), removals, {})


def _reached(tree: Tree) -> set[str]:
    reached: set[str] = set()
    waiting = [tree.root.id]
    while waiting:
        state = waiting.pop()
        if state in reached:
            continue
        reached.add(state)
        waiting += _referred(tree.nodes[state])
        waiting += tree.above(state)
    return reached


def _referred(node: StateNode) -> list[str]:
    """Name what a state leads to when it is active, or is entered by it."""
    found = [] if node.initial is None else [node.initial]
    found += node.default_targets
    if node.kind == "parallel":
        found += [child.id for child in node.children if child.kind != "history"]
    return [*found, *(target for transition in node.outgoing() for target in transition.targets)]
