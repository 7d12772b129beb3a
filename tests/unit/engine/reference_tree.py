"""The tree of states as the second interpreter asks for it."""

from __future__ import annotations

import re
from typing import Any

from foliot.definition import Definition, StateNode

# The words of an error are the engine's own; expressions of the comparison never look at them.
ANY = {"what": "", "where": ""}


class Loops(Exception):
    """More microsteps than allowed."""


class Stopped(Exception):
    """An error in a nested action has been told; the block around ends."""


class Undone(Exception):
    """An action failed where that undoes the whole step."""


class Illegal(Exception):
    """The targets contradict each other."""


class Tree:
    """The states of a definition by their ids."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.nodes: dict[str, StateNode] = {}
        self.parents: dict[str, str | None] = {}
        self.order: list[str] = []
        self.sources: dict[int, str] = {}
        self._index(definition.root, None)

    def _index(self, node: StateNode, parent: str | None) -> None:
        self.nodes[node.id] = node
        self.parents[node.id] = parent
        self.order.append(node.id)
        self.sources.update({transition.index: node.id for transition in node.outgoing()})
        for child in node.children:
            self._index(child, node.id)

    def proper_ancestors(self, state: str, limit: str | None) -> list[str]:
        if state == limit:
            return []
        found = []
        parent = self.parents[state]
        while parent is not None and parent != limit:
            found.append(parent)
            parent = self.parents[parent]
        return found

    def is_descendant(self, state: str, other: str) -> bool:
        return other in self.proper_ancestors(state, None)

    def child_states(self, state: str) -> list[str]:
        return [child.id for child in self.nodes[state].children if child.kind != "history"]

    def in_order(self, states: Any) -> list[str]:
        return [state for state in self.order if state in states]


def name_match(descriptor: str, event_type: str) -> bool:
    pattern = descriptor.removesuffix(".*")
    return descriptor == "*" or re.fullmatch(re.escape(pattern) + r"(\..*)?", event_type) is not None
