"""What a set of transitions does: which states are left and entered, and in which order what runs.

All of it follows from the configuration, the transitions and what the history states remember, so it is worked out once
and kept (see `foliot.engine.memory`). The functions bear the names of the procedures of their source.

Source: W3C SCXML 1.0, appendix D, "Algorithm for SCXML Interpretation".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from foliot.definition import done_event
from foliot.engine.actions import Assigned, Perform, Routine
from foliot.engine.chart import Chart, Edge, Node
from foliot.engine.errors import IllegalTarget
from foliot.engine.evaluating import InState
from foliot.engine.scratch import Macrostep
from foliot.engine.sending import DataOf

_NEVER: Final = 1 << 62
Operation: TypeAlias = Callable[[Macrostep], object]
Memories: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One microstep, worked out: what runs in order, what history states will remember, and where it leads.

    `final` says that a final child of the root was entered: the machine is done. `recalls` says that it depends on what
    history states remembered before. `assigns` has all that the operations do, where that is nothing but to assign.
    """

    operations: tuple[Operation, ...]
    transitions: tuple[int, ...]
    remembered: Memories
    configuration: tuple[str, ...]
    active: frozenset[int]
    final: bool
    recalls: bool
    assigns: tuple[tuple[Assigned, InState], ...] | None
    sees_event: bool


def plan_microstep(
    chart: Chart, active: frozenset[int], in_state: InState, edges: tuple[Edge, ...], memories: Memories
) -> Plan:
    """Work out the microstep that takes these transitions, which have been selected in document order.

    Raises:
        IllegalTarget: the targets lead into no legal configuration.
    """
    return _Planner(chart, active, in_state, memories).plan(edges)


def plan_birth(chart: Chart) -> Plan:
    """Work out the entry of the initial configuration."""
    planner = _Planner(chart, frozenset(), _nowhere, {})
    planner.add_descendants(0)
    return planner.complete((), {})


def plan_death(chart: Chart, active: frozenset[int], in_state: InState) -> tuple[Operation, ...]:
    """Work out what runs when the machine is done: the exit blocks of all that is active (`exitInterpreter`)."""
    planner = _Planner(chart, active, in_state, {})
    planner.leave(active, ends=True)
    return tuple(planner.operations)


class _Planner:
    """The working set of one plan: `in_state` tells what is active before it, `live` and `spans` what is meanwhile."""

    def __init__(self, chart: Chart, active: frozenset[int], in_state: InState, memories: Memories) -> None:
        self.operations: list[Operation] = []
        self._nodes = chart.nodes
        self._chart = chart
        self._active = active
        self._before = in_state
        self._memories = memories
        self._entering: set[int] = set()
        # All that is entered and all above it, so that a region is known to be entered without a look at each state.
        self._covered: set[int] = set()
        self._exit_sets: dict[Edge, frozenset[int]] = {}
        self._by_default: set[int] = set()
        self._history_blocks: dict[int, Routine] = {}
        self._live = set(active)
        self._moment = 0
        self._spans: dict[str, tuple[int, int]] = {}
        self._recalls = False
        self._sees_event = False
        self._assigning = 0
        self._assigns: list[tuple[Assigned, InState]] = []

    def plan(self, edges: tuple[Edge, ...]) -> Plan:
        taken = self._remove_conflicting(edges)
        leaving = frozenset().union(*(self._exit_set(edge) for edge in taken))
        remembered = self._remember(leaving)
        # What is left in this microstep is remembered in it already: a state may be entered anew by its own history.
        self._memories = {**self._memories, **remembered}
        for edge in taken:
            self._add_entry_set(edge)
        self.leave(leaving)
        for edge in taken:
            self._run(edge.block)
        return self.complete(taken, remembered)

    def complete(self, taken: tuple[Edge, ...], remembered: Memories) -> Plan:
        # A history may lead back into states that are not left: they stay as they are.
        self._entering -= self._live
        final = self._enter()
        active = frozenset(self._live)
        configuration = self._chart.leaves(active)
        if configuration is None:
            raise IllegalTarget(
                "the targets lead into no legal configuration",
                where=", ".join(edge.where for edge in taken) or "the initial states",
            )
        return Plan(
            tuple(self.operations),
            tuple(edge.index for edge in taken),
            remembered,
            configuration,
            active,
            final=final,
            recalls=self._recalls,
            assigns=tuple(self._assigns) if len(self.operations) == self._assigning else None,
            sees_event=self._sees_event,
        )

    def leave(self, leaving: Iterable[int], *, ends: bool = False) -> None:
        for number in sorted(leaving, reverse=True):
            node = self._nodes[number]
            self._run(node.exit)
            for timer_id, _ in node.timeouts:
                self.operations.append(_disarming(timer_id))
            if node.invocations:
                self.operations.append(_ending(node))
            self._leave(number)
            if ends and node.kind == "final" and node.ancestors == (0,) and node.output is not None:
                self.operations.append(_giving(node.output, self._in_state()))

    def _enter(self) -> bool:
        final = False
        for number in sorted(self._entering):
            node = self._nodes[number]
            self._live.add(number)
            self._moment += 1
            self._spans[node.id] = self._spans.get(node.id, (0, 0))[0], self._moment
            for timer_id, delay_us in node.timeouts:
                self.operations.append(_arming(timer_id, delay_us))
            self._run(node.entry)
            self._run(node.default_block if number in self._by_default else None)
            self._run(self._history_blocks.get(number))
            if node.invocations:
                self.operations.append(_inviting(number))
            for done in self._completed(node):
                if done == 0:
                    final = True
                else:
                    output = node.output if done == node.ancestors[0] else None
                    self._complete(done_event(self._nodes[done].id), output)
        return final

    def _completed(self, node: Node) -> Iterator[int]:
        """Yield what the entry of a final state completes: its parent, then each parallel state around it.

        Appendix D looks at the grandparent alone; its prose (3.4) calls a parallel state done when all its children
        are, so a parallel state inside a parallel state counts too.
        """
        if node.kind != "final":
            return
        for ancestor in node.ancestors:
            if self._nodes[ancestor].kind == "parallel":
                done = self._chart.in_final_state(ancestor, self._live)
            else:
                done = ancestor == node.ancestors[0]
            if not done:
                return
            yield ancestor

    def _complete(self, event_type: str, output: DataOf | None) -> None:
        self.operations.append(_completing(event_type, output, self._in_state()))

    def _leave(self, number: int) -> None:
        self._live.discard(number)
        self._moment += 1
        self._spans[self._nodes[number].id] = self._moment, _NEVER

    def _in_state(self) -> InState:
        return _in_state_at(self._moment, self._spans, self._before)

    def _run(self, block: Routine | None) -> None:
        if block is None:
            return
        in_state = self._in_state()
        self.operations.append(_running(block.perform, in_state))
        self._sees_event |= block.sees_event
        if block.assigns is not None:
            self._assigning += 1
            self._assigns.extend((assigned, in_state) for assigned in block.assigns)

    def _remove_conflicting(self, edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
        kept: list[Edge] = []
        for edge in edges:
            exits = self._exit_set(edge)
            rivals = [other for other in kept if not exits.isdisjoint(self._exit_set(other))]
            if all(self._nodes[rival.source].holds(edge.source) for rival in rivals):
                kept = [other for other in kept if other not in rivals]
                kept.append(edge)
        return tuple(kept)

    def _exit_set(self, edge: Edge) -> frozenset[int]:
        if not edge.targets:
            return frozenset()
        found = self._exit_sets.get(edge)
        if found is None:
            domain = self._nodes[self._domain(edge)]
            if domain.last - domain.number < len(self._active):
                found = self._active.intersection(range(domain.number + 1, domain.last + 1))
            else:
                found = frozenset([number for number in self._active if domain.holds(number)])
            self._exit_sets[edge] = found
        return found

    def _domain(self, edge: Edge) -> int:
        """Give the state within which the transition moves (`getTransitionDomain`, with the rule of XState v5).

        Without `reenter` the source itself is not left when all targets are it or lie below it, whatever its kind.
        """
        source = self._nodes[edge.source]
        targets = self._effective_targets(edge.targets)
        if not edge.reenter and all(target == source.number or source.holds(target) for target in targets):
            return source.number
        for ancestor in source.ancestors:
            node = self._nodes[ancestor]
            if (node.kind == "compound" or ancestor == 0) and all(node.holds(target) for target in targets):
                return ancestor
        return 0

    def _effective_targets(self, targets: tuple[int, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for target in targets:
            if self._nodes[target].kind == "history":
                found.extend(self._effective_targets(self._recall(target)))
            else:
                found.append(target)
        return tuple(found)

    def _recall(self, number: int) -> tuple[int, ...]:
        self._recalls = True
        node = self._nodes[number]
        memory = self._memories.get(node.id)
        return node.defaults if memory is None else tuple(self._chart.numbers[each] for each in memory)

    def _add_entry_set(self, edge: Edge) -> None:
        if not edge.targets:
            return
        domain = self._domain(edge)
        for target in edge.targets:
            if target == domain:
                self._add_defaults(target)
            else:
                self.add_descendants(target)
        for target in self._effective_targets(edge.targets):
            self._add_ancestors(target, domain)
        if self._nodes[domain].kind == "parallel":
            self._add_regions(domain)

    def add_descendants(self, number: int) -> None:
        node = self._nodes[number]
        if node.kind != "history":
            self._enter_later(number)
            self._add_defaults(number)
            return
        recalled = self._recall(number)
        if node.default_block is not None and node.id not in self._memories:
            self._history_blocks[node.ancestors[0]] = node.default_block
        for target in recalled:
            self.add_descendants(target)
        for target in recalled:
            self._add_ancestors(target, node.ancestors[0])

    def _add_defaults(self, number: int) -> None:
        node = self._nodes[number]
        if node.kind == "parallel":
            self._add_regions(number)
            return
        self._by_default.add(number)
        for target in node.defaults:
            self.add_descendants(target)
        for target in node.defaults:
            self._add_ancestors(target, number)

    def _add_ancestors(self, number: int, limit: int) -> None:
        if number == limit:
            return
        for ancestor in self._nodes[number].ancestors:
            if ancestor == limit:
                return
            self._enter_later(ancestor)
            if self._nodes[ancestor].kind == "parallel":
                self._add_regions(ancestor)

    def _add_regions(self, number: int) -> None:
        for child in self._nodes[number].children:
            if child not in self._covered:
                self.add_descendants(child)

    def _enter_later(self, number: int) -> None:
        self._entering.add(number)
        self._covered.add(number)
        self._covered.update(self._nodes[number].ancestors)

    def _remember(self, leaving: frozenset[int]) -> Memories:
        remembered: dict[str, tuple[str, ...]] = {}
        for number in sorted(leaving):
            for history in self._nodes[number].histories:
                remembered[self._nodes[history].id] = self._memory(self._nodes[number], self._nodes[history])
        return remembered

    def _memory(self, parent: Node, history: Node) -> tuple[str, ...]:
        below = [each for each in sorted(self._active) if parent.holds(each)]
        if history.deep:
            return tuple(self._nodes[each].id for each in below if self._nodes[each].is_leaf)
        return tuple(self._nodes[each].id for each in below if self._nodes[each].ancestors[0] == parent.number)


def _nowhere(_state_id: str) -> bool:
    return False


def _in_state_at(moment: int, spans: Mapping[str, tuple[int, int]], before: InState) -> InState:
    """Tell of a state whether it is active at a moment of a microstep.

    `spans` says of each state that changes when it is left, if it was active, and when it is entered; `before` tells of
    all others. All moments of a plan share them: a set for each would take as much room as the square of the active.
    """

    def in_state(state_id: str) -> bool:
        span = spans.get(state_id)
        return before(state_id) if span is None else moment < span[0] or moment >= span[1]

    return in_state


def _running(block: Perform, in_state: InState) -> Operation:
    return lambda macrostep: block(macrostep, in_state)


def _arming(timer_id: str, delay_us: int) -> Operation:
    return lambda macrostep: macrostep.arm(timer_id, delay_us, timer_id, None)


def _disarming(timer_id: str) -> Operation:
    return lambda macrostep: macrostep.disarm(timer_id)


def _completing(event_type: str, output: DataOf | None, in_state: InState) -> Operation:
    if output is None:
        return lambda macrostep: macrostep.complete(event_type, None)
    return lambda macrostep: macrostep.complete(event_type, output(macrostep, in_state))


def _giving(output: DataOf, in_state: InState) -> Operation:
    def give(macrostep: Macrostep) -> None:
        macrostep.output = output(macrostep, in_state)

    return give


def _inviting(number: int) -> Operation:
    def invite(macrostep: Macrostep) -> None:
        macrostep.entered |= {number}

    return invite


def _ending(node: Node) -> Operation:
    keys, number = tuple(each.key for each in node.invocations), node.number

    def end(macrostep: Macrostep) -> None:
        macrostep.entered -= {number}
        macrostep.end_invocations(keys)

    return end
