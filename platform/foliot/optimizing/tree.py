"""A machine's states with what the rewrites ask of them, and how one tree becomes another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from foliot.definition import After, StateNode, Transition, after_id, done_event


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


def edited(node: StateNode, edit: Callable[[StateNode], StateNode]) -> StateNode:
    """Give the tree with each state as `edit` gives it, from the leaves up."""
    return edit(node.model_copy(update={"children": tuple(edited(each, edit) for each in node.children)}))


def without_states(root: StateNode, gone: Collection[str]) -> StateNode:
    """Give the tree without some states, and so without what is below them."""
    left = (each for each in root.children if each.id not in gone)
    return root.model_copy(update={"children": tuple(without_states(each, gone) for each in left)})


def without_transitions(root: StateNode, gone: Collection[int]) -> StateNode:
    """Give the tree without some transitions, by index."""
    return edited(root, lambda node: node.regrouped(lambda group: (t for t in group if t.index not in gone)))


def with_transitions(node: StateNode, change: Callable[[Transition], Transition]) -> StateNode:
    """Give a state with each transition as `change` gives it."""
    return node.regrouped(lambda group: map(change, group))


def renamed(before: Tree, root: StateNode, moved: Mapping[str, str]) -> StateNode:
    """Give the tree `root`, made of `before`, with ids as `moved` has them, wherever they stand.

    A transition within its new source says by `reenter` whether it left its old one.
    """
    domains = before.domains()
    found = edited(root, lambda node: _moved(node, moved))
    after = Tree(found)
    return edited(
        found, lambda node: with_transitions(node, lambda each: _reentering(each, node.id, after, domains, moved))
    )


def _moved(node: StateNode, moved: Mapping[str, str]) -> StateNode:
    """Give a state its new id, and what names states the new ids of those."""
    state = moved.get(node.id, node.id)
    update: dict[str, object] = {
        "id": state,
        "initial": None if node.initial is None else moved.get(node.initial, node.initial),
        "default_targets": _ids(node.default_targets, moved),
    }
    if state != node.id:
        update["after"] = tuple(_retimed(each, state) for each in node.after)
        update["on_done"] = _renamed_events(node.on_done, done_event(state))
    return with_transitions(
        node.model_copy(update=update), lambda each: each.model_copy(update={"targets": _ids(each.targets, moved)})
    )


def _retimed(timeout: After, state: str) -> After:
    timer_id = after_id(timeout.delay_ms, state)
    return timeout.model_copy(update={"id": timer_id, "transitions": _renamed_events(timeout.transitions, timer_id)})


def _renamed_events(transitions: tuple[Transition, ...], event: str) -> tuple[Transition, ...]:
    return tuple(each.model_copy(update={"event": event}) for each in transitions)


def _ids(states: tuple[str, ...], moved: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(moved.get(each, each) for each in states)


def _reentering(
    transition: Transition, source: str, after: Tree, domains: Mapping[int, str | None], moved: Mapping[str, str]
) -> Transition:
    if not transition.targets or not after.stays_within(source, transition):
        return transition
    domain = domains[transition.index]
    return transition.model_copy(update={"reenter": domain is None or moved.get(domain, domain) != source})


def renumbered(root: StateNode) -> StateNode:
    """Give each transition the index that a reader gives it."""
    numbers = {each.index: number for number, each in enumerate(t for node in root.walk() for t in node.outgoing())}
    return edited(
        root,
        lambda node: with_transitions(node, lambda each: each.model_copy(update={"index": numbers[each.index]})),
    )
