"""Sibling states that do the same become one.

States are parted as far as they differ: first by what they are and do themselves, then, until nothing changes, by the
parts that their children and the targets of their transitions are in.

Source: E. F. Moore, "Gedanken-Experiments on Sequential Machines" (1956); J. Hopcroft (1971) parts faster.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import orjson

from foliot.definition import StateNode, Transition
from foliot.optimizing.removals import Removal, Rewrite
from foliot.optimizing.tree import Tree, renamed, without_states
from foliot.optimizing.visibility import Visibility


def merge_equivalent(tree: Tree, visibility: Visibility) -> Rewrite | None:
    """Merge one group of siblings."""
    parts = _Parting(tree, visibility).parts
    for parent in tree.nodes.values():
        if parent.kind != "compound":
            continue
        groups: dict[int, list[StateNode]] = {}
        for child in parent.children:
            groups.setdefault(parts[child.id], []).append(child)
        for group in groups.values():
            if len(group) > 1 and (rewrite := _merged(tree, group)) is not None:
                return rewrite
    return None


def _merged(tree: Tree, group: list[StateNode]) -> Rewrite | None:
    kept, *others = group
    gone = {other.id for other in others}
    moved = {state.id: stays.id for other in others for state, stays in zip(other.walk(), kept.walk(), strict=True)}
    root = renamed(tree, without_states(tree.root, gone), moved)
    if not _moves_alike(tree, Tree(root), moved):
        return None
    why = f"it does the same as {kept.id}"
    return Rewrite(root, tuple(Removal("merged", other.id, -1, other.id, why) for other in others), moved)


def _moves_alike(before: Tree, after: Tree, moved: dict[str, str]) -> bool:
    domains = before.domains()
    return all(
        domain == (None if (old := domains[index]) is None else moved.get(old, old))
        for index, domain in after.domains().items()
    )


class _Parting:
    def __init__(self, tree: Tree, visibility: Visibility) -> None:
        self._tree = tree
        self._depths = {state: sum(1 for _ in tree.above(state)) for state in tree.nodes}
        self._own = {node.id: _own(node) for node in tree.nodes.values()}
        self._alone = {node.id for node in tree.nodes.values() if self._is_alone(node, visibility)}
        self._alone |= self._recalled_within()
        self.parts: dict[str, int] = dict.fromkeys(tree.nodes, 0)
        count = 0
        while True:
            keys: dict[Hashable, int] = {}
            self.parts = {node.id: keys.setdefault(self._key(node), len(keys)) for node in tree.nodes.values()}
            if len(keys) == count:
                return
            count = len(keys)

    def _is_alone(self, node: StateNode, visibility: Visibility) -> bool:
        """Say whether a state is like no other: by name, by what it remembers, or by a guard that is told apart."""
        if node.kind == "history" or visibility.shows(node):
            return True
        return not all(visibility.asks_once(each) for each in node.outgoing())

    def _recalled_within(self) -> set[str]:
        """Name the states below one whose history a transition in it enters: what it leaves depends on the memory."""
        found: set[str] = set()
        for node in self._tree.nodes.values():
            for target in (target for each in node.outgoing() for target in each.targets):
                parent = self._tree.parents[target]
                recalls = self._tree.nodes[target].kind == "history"
                if recalls and parent is not None and self._tree.holds(parent, node.id):
                    found |= {each.id for each in self._tree.nodes[parent].walk()} - {parent}
        return found

    def _key(self, node: StateNode) -> Hashable:
        parts, parent = self.parts, self._tree.parents[node.id]
        if node.id in self._alone or parent is None:
            return node.id
        siblings = self._tree.nodes[parent]
        region = siblings.children.index(node) if siblings.kind == "parallel" else -1
        return (
            parts[node.id],
            self._own[node.id],
            parts[parent],
            region,
            None if node.initial is None else parts[node.initial],
            tuple(parts[each] for each in node.default_targets),
            tuple(parts[child.id] for child in node.children),
            tuple(self._led(node, each) for each in node.outgoing()),
        )

    def _led(self, node: StateNode, transition: Transition) -> Hashable:
        domain = self._tree.domain(node.id, transition)
        recalls = any(self._tree.nodes[target].kind == "history" for target in transition.targets)
        return (
            tuple(self.parts[target] for target in transition.targets),
            None if domain is None else self._depths[domain],
            transition.reenter if recalls else None,
        )


def _own(node: StateNode) -> bytes:
    """Write down what a state is and does, without names of states."""
    return orjson.dumps(list(_written(node)), option=orjson.OPT_SORT_KEYS)


def _written(node: StateNode) -> Iterator[object]:
    yield node.model_dump(
        mode="json", include={"kind", "entry", "exit", "rollback", "defer", "output", "default_actions", "history"}
    )
    yield [_does(each) for each in node.always]
    yield [(timeout.delay_ms, [_does(each) for each in timeout.transitions]) for timeout in node.after]
    yield [_does(each) for each in node.on_done]
    yield [_does(each) for each in node.on_error]
    yield [(each.event, _does(each)) for each in node.transitions]


def _does(transition: Transition) -> object:
    return transition.model_dump(mode="json", include={"guard", "actions"})
