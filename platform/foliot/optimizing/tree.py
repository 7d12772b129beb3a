"""A machine's states with what the rewrites ask of them, and how one tree becomes another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from foliot.definition import StateNode, Transition, after_id, done_event


class Tree:
    """The states below a root, by id and in document order."""

    def __init__(self, root: StateNode) -> None:
        self.root = root
        self.nodes: dict[str, StateNode] = {node.id: node for node in root.walk()}
        self.parents: dict[str, str | None] = {root.id: None}
        for node in self.nodes.values():
            self.parents |= {child.id: node.id for child in node.children}

    def above(self, state: str) -> Iterator[str]:
        """Yield the ancestors of a state, from its parent to the root."""
        parent = self.parents[state]
        while parent is not None:
            yield parent
            parent = self.parents[parent]

    def holds(self, outer: str, inner: str) -> bool:
        """Say whether `inner` lies below `outer`."""
        return outer in self.above(inner)

    def domain(self, source: str, transition: Transition) -> str | None:
        """Name the state within which a transition moves, None without targets: the engine's rule (`plans`).

        A history state counts as itself, whatever it remembers.
        """
        if not transition.targets:
            return None
        if not transition.reenter and self.stays_within(source, transition):
            return source
        for ancestor in self.above(source):
            node = self.nodes[ancestor]
            if node.kind == "compound" and all(self.holds(ancestor, target) for target in transition.targets):
                return ancestor
        return self.root.id

    def stays_within(self, source: str, transition: Transition) -> bool:
        """Say whether all targets are the source or lie below it."""
        return all(target == source or self.holds(source, target) for target in transition.targets)

    def domains(self) -> dict[int, str | None]:
        """Name the domain of every transition, by index."""
        return {each.index: self.domain(node.id, each) for node in self.nodes.values() for each in node.outgoing()}


def edited(node: StateNode, edit: Callable[[StateNode], StateNode | None]) -> StateNode | None:
    """Give the tree with each state as `edit` gives it, from the leaves up; None takes it out."""
    children = tuple(child for each in node.children if (child := edited(each, edit)) is not None)
    return edit(node.model_copy(update={"children": children}))


def with_transitions(node: StateNode, change: Callable[[Transition], Transition | None]) -> StateNode:
    """Give a state with each transition as `change` gives it; a timeout stays, be it without any."""
    return node.regrouped(lambda group: tuple(after for each in group if (after := change(each)) is not None))


def renamed(before: Tree, root: StateNode, moved: Mapping[str, str]) -> StateNode:
    """Give the tree `root`, made of `before`, with ids as `moved` has them, wherever they stand.

    A transition within its new source says by `reenter` whether it left its old one.
    """
    domains = before.domains()

    def name(state: str | None) -> str | None:
        return None if state is None else moved.get(state, state)

    def edit(node: StateNode) -> StateNode:
        state = moved.get(node.id, node.id)
        update: dict[str, object] = {
            "id": state,
            "initial": name(node.initial),
            "default_targets": tuple(moved.get(each, each) for each in node.default_targets),
        }
        if state != node.id:
            update["after"] = tuple(
                each.model_copy(
                    update={
                        "id": (new := after_id(each.delay_ms, state)),
                        "transitions": tuple(t.model_copy(update={"event": new}) for t in each.transitions),
                    }
                )
                for each in node.after
            )
            update["on_done"] = tuple(t.model_copy(update={"event": done_event(state)}) for t in node.on_done)
        targeted = node.model_copy(update=update)
        return with_transitions(
            targeted, lambda t: t.model_copy(update={"targets": tuple(moved.get(each, each) for each in t.targets)})
        )

    found = edited(root, edit)
    assert found is not None  # noqa: S101 - nothing is taken out
    after = Tree(found)

    def reentering(node: StateNode) -> StateNode:
        def change(transition: Transition) -> Transition:
            if not transition.targets or not after.stays_within(node.id, transition):
                return transition
            return transition.model_copy(update={"reenter": name(domains[transition.index]) != node.id})

        return with_transitions(node, change)

    found = edited(found, reentering)
    assert found is not None  # noqa: S101 - nothing is taken out
    return found


def renumbered(root: StateNode) -> StateNode:
    """Give each transition the index that a reader gives it."""
    numbers = {each.index: number for number, each in enumerate(t for node in root.walk() for t in node.outgoing())}
    found = edited(
        root,
        lambda node: with_transitions(node, lambda t: t.model_copy(update={"index": numbers[t.index]})),
    )
    assert found is not None  # noqa: S101 - nothing is taken out
    return found
