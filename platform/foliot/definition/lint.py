"""What only the whole machine shows: transitions that are never taken, states that are never entered, livelocks."""

from __future__ import annotations

from collections.abc import Iterable

from foliot.definition.building import Built
from foliot.definition.census import Census, parent_id
from foliot.definition.diagnostics import Faults, did_you_mean
from foliot.definition.expressions import ContextNames
from foliot.definition.model import Definition, StateNode, Transition
from foliot.definition.tree import Key, Mapping
from foliot.reserved import RESERVED_EVENT


class Linter:
    """Looks at a built machine."""

    def __init__(self, built: Built, census: Census, faults: Faults) -> None:
        self._places = built.places
        self._nodes = {node.id: node for node in built.definition.root.walk()}
        self._census = census
        self._faults = faults

    def check_transitions(self) -> None:
        """Note what each state shows by itself."""
        for node in self._nodes.values():
            self._check_dead(node)
            self._check_done(node)

    def check_runs(self) -> None:
        """Note what shows where the targets are followed, all of which must be known for that."""
        self._check_livelocks()
        self._check_entered()

    def _check_dead(self, node: StateNode) -> None:
        for group in node.groups():
            taken: dict[str, Transition] = {}
            for transition in group:
                descriptor = transition.event or "*"
                earlier = next((taken[wide] for wide in _wider(descriptor) if wide in taken), None)
                if earlier is not None:
                    line = self._places[earlier.index].place.line
                    what = f"This transition is never taken: that in line {line} has no guard and comes first."
                    remedy = "Put it before that one, or give that one a guard."
                    self._faults.error("D406", self._places[transition.index], what, remedy)
                elif transition.guard is None:
                    taken[descriptor.removesuffix(".*")] = transition

    def _check_done(self, node: StateNode) -> None:
        if node.on_done and node.kind in {"compound", "parallel"} and not node.can_be_done:
            what = "This state is never done: no final state is where it would be done by it."
            remedy = "Add a child of 'type: final' (in a parallel state: to each region)."
            where = self._census.states[node.id].body.keys["onDone"]
            self._faults.warning("D310", where, what, remedy)

    def _check_livelocks(self) -> None:
        """Follow unguarded eventless transitions; those that come back to one that was taken never end."""
        told: set[int] = set()
        for node in self._nodes.values():
            seen: list[int] = []
            step = self._eventless(node) if not self._in_region(node) else None
            while step is not None and step.index not in seen:
                seen.append(step.index)
                settled = self._settle(step, node)
                step = None if settled is None else self._eventless(settled)
            if step is not None and told.isdisjoint(seen):
                told.update(seen)
                where = self._places[min(seen[seen.index(step.index) :])]
                what = "This eventless transition is taken for ever: nothing on its way waits for an event."
                self._faults.error("D405", where, what, "Give it a guard, or make it wait for an event.")

    def _eventless(self, node: StateNode) -> Transition | None:
        """Find the eventless transition that a leaf takes whatever the context is."""
        if node.kind in {"parallel", "final", "history"}:
            return None
        for ancestor in self._upwards(node):
            if ancestor.always:
                first = ancestor.always[0]
                return first if first.guard is None else None
        return None

    def _settle(self, transition: Transition, source: StateNode) -> StateNode | None:
        """Find the leaf where a transition ends; None where that depends on more than the text."""
        if len(transition.targets) > 1:
            return None
        node = self._nodes[transition.targets[0]] if transition.targets else source
        while node.kind == "compound" and node.initial is not None:
            node = self._nodes[node.initial]
        return None if self._in_region(node) else node

    def _in_region(self, node: StateNode) -> bool:
        return any(ancestor.kind == "parallel" for ancestor in self._upwards(node))

    def _upwards(self, node: StateNode) -> Iterable[StateNode]:
        yield node
        while node.id:
            node = self._nodes[parent_id(node.id)]
            yield node

    def _check_entered(self) -> None:
        entered = _Reached(self._nodes).states
        for node in self._nodes.values():
            if node.id and node.id not in entered and parent_id(node.id) in entered:
                what = f"The state '{node.id}' is never entered: nothing leads to it."
                remedy = "Make it the target of a transition, or take it out."
                self._faults.warning("D312", self._census.states[node.id].where, what, remedy)


class _Reached:
    """The states that some run may enter, judged by the targets alone."""

    def __init__(self, nodes: dict[str, StateNode]) -> None:
        self.states: set[str] = set()
        self._with_beginning: set[str] = set()
        self._nodes = nodes
        self._waiting = [""]
        while self._waiting:
            node = nodes[self._waiting.pop()]
            if node.id not in self._with_beginning:
                self._enter(node)

    def _enter(self, node: StateNode) -> None:
        self.states.add(node.id)
        self._with_beginning.add(node.id)
        if node.id:
            self._pass_through(self._nodes[parent_id(node.id)])
        if node.kind == "compound" and node.initial is not None:
            self._waiting.append(node.initial)
        if node.kind == "parallel":
            self._waiting.extend(child.id for child in node.children if child.kind != "history")
        if node.kind == "history":
            self._waiting.extend(node.default_targets or (parent_id(node.id),))
        for transition in node.outgoing():
            self._waiting.extend(transition.targets)

    def _pass_through(self, node: StateNode) -> None:
        """Enter an ancestor together with the state below it, and so without its initial state."""
        if node.kind == "parallel":
            self._waiting.append(node.id)
        elif node.id not in self.states:
            self.states.add(node.id)
            for transition in node.outgoing():
                self._waiting.extend(transition.targets)
            if node.id:
                self._pass_through(self._nodes[parent_id(node.id)])


def check_assigned(names: list[Key], known: ContextNames, faults: Faults) -> None:
    """Compare what is assigned with what the schema of the context knows."""
    for key in names:
        if key.name not in known.names:
            what = f"The schema of the context does not know {faults.quote(key.name)}."
            note = faults.error if known.closed else faults.warning
            note("D506", key, what, did_you_mean(key.name, sorted(known.names)))


def check_handled(events: Mapping | None, definition: Definition, faults: Faults) -> None:
    """Note events that are declared but fit no descriptor."""
    groups = (
        group
        for node in definition.root.walk()
        for group in (node.transitions, *(t for each in node.invocations for t in (each.on_done, each.on_error)))
    )
    descriptors = {t.event for group in groups for t in group if t.event is not None}
    known = {descriptor.removesuffix(".*") for descriptor in descriptors}
    for name, key in events.keys.items() if events else ():
        if not RESERVED_EVENT.match(name) and not any(wide in known for wide in _wider(name)):
            what = f"No state handles the event {faults.quote(name)}."
            remedy = did_you_mean(name, sorted(known)) or "Handle it under 'on' of a state, or take it out."
            faults.warning("D511", key, what, remedy)


def _wider(descriptor: str) -> list[str]:
    """List the descriptors that cover this one, without `.*`, the nearest first."""
    if descriptor == "*":
        return ["*"]
    tokens = descriptor.removesuffix(".*").split(".")
    return [".".join(tokens[:count]) for count in range(len(tokens), 0, -1)] + ["*"]
