"""The configurations that a machine has been in, and where each event leads from them: a DFA made as it is walked.

An entry is a pure function of its key, so forgetting one changes nothing but the time. All are forgotten at once when
there are too many, which events with ever new types could otherwise bring about. Threads may share a memory: entries
are added whole, and one that two threads make at a time is made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from foliot.cel import EvaluationError
from foliot.engine.actions import Assigned
from foliot.engine.chart import Chart, Edge, descriptor_matches
from foliot.engine.errors import IllegalTarget, UnknownConfiguration
from foliot.engine.evaluating import InState
from foliot.engine.plans import Memories, Operation, Plan, plan_birth, plan_death, plan_microstep
from foliot.engine.scratch import Macrostep
from foliot.engine.values import Outcome

ENTRIES_MAX = 131_072
"""Each entry counts one, and one more for each active state, operation or chain that it holds: 200 bytes or less."""

_SHORTCUT_MICROSTEPS_MAX = 16
_TYPE_CHARS = 100
_EDGES = 16

Edges: TypeAlias = tuple[Edge, ...]
# What each history state remembers.
Recalled: TypeAlias = tuple[tuple[str, ...] | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shortcut:
    """A whole macrostep that does nothing but assign: where it leads, by which transitions, and what is assigned."""

    configuration: tuple[str, ...]
    transitions: tuple[int, ...]
    remembered: Memories
    assigns: tuple[tuple[Assigned, InState], ...]
    sees_event: bool
    outcome: Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The transitions that may be taken: a chain for each leaf, from the leaf's own to the root's.

    `certain` is the answer where no guard has to be asked. `sees_event` tells whether a guard looks at the event.
    """

    chains: tuple[Edges, ...]
    certain: Edges | None
    sees_event: bool


@dataclass(frozen=True, slots=True, eq=False)
class Vertex:
    """A configuration and what is known about it. `by_timer` is apart because only a timer's event fits an `after`.

    `defers` are the descriptors of the events that active states defer, each with its state. `recalled` are the
    microsteps that depend on what history states remember. `ways` are shortcuts that depend on nothing but the event.
    """

    configuration: tuple[str, ...]
    active: frozenset[int]
    in_state: InState
    eventless: Selection
    defers: tuple[tuple[int, str], ...]
    by_event: dict[str, Selection] = field(default_factory=dict)
    by_timer: dict[str, Selection] = field(default_factory=dict)
    microsteps: dict[Edges, Microstep] = field(default_factory=dict)
    recalled: dict[tuple[Edges, Recalled], Microstep] = field(default_factory=dict)
    ways: dict[str, Shortcut] = field(default_factory=dict)
    shortcuts: dict[Edges | tuple[Edges, Recalled], Shortcut | None] = field(default_factory=dict)

    def forget(self) -> None:
        """Forget where events lead from here."""
        self.by_event.clear()
        self.by_timer.clear()
        self.microsteps.clear()
        self.recalled.clear()
        self.ways.clear()
        self.shortcuts.clear()


@dataclass(frozen=True, slots=True, eq=False)
class Microstep:
    """A plan and the vertex that it leads to."""

    plan: Plan
    vertex: Vertex


class Room:
    """What the memories of several machines have together: `entries` are counted as for `ENTRIES_MAX`.

    Whoever made the machines looks whether it is too much, and makes those forget that are used least.
    """

    def __init__(self) -> None:
        self.entries = 0


class Memory:
    """All vertices of one machine, made on demand."""

    def __init__(self, chart: Chart, *, microsteps_max: int, entries_max: int, room: Room) -> None:
        self._room = room
        self._chart = chart
        self._shortcut_max = min(microsteps_max, _SHORTCUT_MICROSTEPS_MAX)
        self._entries_max = entries_max
        self._entries = 0
        self.vertices: dict[tuple[str, ...], Vertex] = {}
        # By the type of an event and whether a timer brings it, then by leaf.
        self._chains: dict[tuple[str | None, bool], dict[str, Edges]] = {}
        self._ids = tuple(node.id for node in chart.nodes)
        self._defer = frozenset(node.number for node in chart.nodes if node.defers)
        self._asks_always = any(node.always for node in chart.nodes)
        self._histories = tuple(node.id for node in chart.nodes if node.kind == "history")
        self._beginnings: list[Vertex] = []
        birth = plan_birth(chart)
        self.birth = Microstep(birth, self._vertex_after(birth))
        self._beginnings.append(self.birth.vertex)
        self.birth_shortcut, _ = self._look_ahead(self.birth.vertex, (), {}, begun=birth)

    def vertex(self, configuration: tuple[str, ...]) -> Vertex:
        """Find the vertex of a configuration.

        Raises:
            UnknownConfiguration: it is no legal configuration of this machine.
        """
        found = self.vertices.get(configuration)
        if found is not None:
            return found
        active = self._chart.closure(configuration)
        if active is None:
            raise UnknownConfiguration(
                f"the active states {list(configuration)} are no configuration of this version",
            )
        return self._add_vertex(configuration, active)

    def selection(self, vertex: Vertex, event_type: str, *, timer: bool = False) -> Selection:
        """Find what an event may do in a configuration."""
        known = vertex.by_timer if timer else vertex.by_event
        found = known.get(event_type)
        if found is None:
            found = self._select(vertex.configuration, event_type, timer=timer)
            # Whoever sends chooses the type, which may be long.
            self._count(1 + len(found.chains) + len(event_type) // _TYPE_CHARS)
            known[event_type] = found
        return found

    def microstep(self, vertex: Vertex, edges: Edges, memories: Memories) -> Microstep:
        """Find what taking these transitions does."""
        found = vertex.microsteps.get(edges)
        if found is not None:
            return found
        recalled = (edges, self._recall(memories))
        found = vertex.recalled.get(recalled)
        if found is None:
            plan = plan_microstep(self._chart, vertex.active, vertex.in_state, edges, memories)
            found = Microstep(plan, self._vertex_after(plan))
            self._count(1 + len(plan.operations) + len(plan.active))
            if plan.recalls:
                vertex.recalled[recalled] = found
            else:
                vertex.microsteps[edges] = found
        return found

    def shortcut(self, vertex: Vertex, edges: Edges, memories: Memories) -> Shortcut | None:
        """Find the whole macrostep that begins with these transitions, where it does nothing but assign."""
        if edges in vertex.shortcuts:
            return vertex.shortcuts[edges]
        key = (edges, self._recall(memories))
        if key in vertex.shortcuts:
            return vertex.shortcuts[key]
        found, recalls = self._look_ahead(vertex, edges, memories)
        self._count(1 if found is None else 1 + len(found.assigns) + len(found.transitions))
        vertex.shortcuts[key if recalls else edges] = found
        return found

    def root_completion(self) -> Selection:
        """Find what `onDone` of the root may do when the machine is done."""
        chain = tuple(edge for edge in self._chart.nodes[0].edges if edge.matcher == "completion")
        return _selection((chain,) if chain else ())

    def _look_ahead(
        self, vertex: Vertex, edges: Edges, memories: Memories, *, begun: Plan | None = None
    ) -> tuple[Shortcut | None, bool]:
        """Walk for as long as it is certain what comes; tell, too, whether that depends on the memories.

        `begun` is the plan that has led to `vertex` already.
        """
        transitions: tuple[int, ...] = ()
        remembered: Memories = {}
        assigns: tuple[tuple[Assigned, InState], ...] = ()
        sees_event = recalls = False
        for _ in range(self._shortcut_max):
            plan, begun = begun, None
            if edges:
                try:
                    microstep = self.microstep(vertex, edges, {**memories, **remembered})
                except IllegalTarget:
                    # To be told only when it is taken: something may fail before.
                    return None, recalls
                plan, vertex = microstep.plan, microstep.vertex
            if plan is not None:
                recalls |= plan.recalls
                if plan.assigns is None or plan.final:
                    return None, recalls
                transitions += plan.transitions
                remembered = {**remembered, **plan.remembered}
                assigns += plan.assigns
                sees_event |= plan.sees_event
            if vertex.eventless.certain is None:
                return None, recalls
            edges = vertex.eventless.certain
            if not edges:
                outcome: Outcome = "taken" if transitions else "ignored"
                shortcut = Shortcut(vertex.configuration, transitions, remembered, assigns, sees_event, outcome)
                return shortcut, recalls
        return None, recalls

    def _recall(self, memories: Memories) -> Recalled:
        return tuple(memories.get(each) for each in self._histories)

    def death(self, vertex: Vertex) -> tuple[Operation, ...]:
        """Work out what runs when the machine ends in this configuration. Seldom asked, so not kept."""
        return plan_death(self._chart, vertex.active, vertex.in_state)

    def _vertex_after(self, plan: Plan) -> Vertex:
        return self.vertices.get(plan.configuration) or self._add_vertex(plan.configuration, plan.active)

    def _add_vertex(self, configuration: tuple[str, ...], active: frozenset[int]) -> Vertex:
        nodes = self._chart.nodes
        vertex = Vertex(
            configuration,
            active,
            frozenset(map(self._ids.__getitem__, active)).__contains__,
            self._select(configuration, None, timer=False) if self._asks_always else _NOTHING,
            tuple((number, each) for number in sorted(active & self._defer) for each in nodes[number].defers),
        )
        self._count(1 + len(active))
        self.vertices[configuration] = vertex
        return vertex

    def _select(self, configuration: tuple[str, ...], event_type: str | None, *, timer: bool) -> Selection:
        """Find the transitions for an event (None: for none)."""
        known = self._chains.get((event_type, timer))
        if known is None:
            self._count(1 + len(event_type or "") // _TYPE_CHARS)
            known = self._chains[event_type, timer] = {}
        chains: list[Edges] = []
        for leaf in configuration:
            chain = known.get(leaf)
            if chain is None:
                chain = known[leaf] = self._chain(leaf, event_type, timer=timer)
            if chain:
                chains.append(chain)
        return _selection(chains)

    def _chain(self, leaf: str, event_type: str | None, *, timer: bool) -> Edges:
        """Find the transitions for an event of a leaf and its ancestors, its own first."""
        number = self._chart.numbers[leaf]
        found: list[Edge] = []
        for each in (number, *self._chart.nodes[number].ancestors):
            found.extend(self._fitting(each, event_type, timer=timer))
        self._count(1 + len(found) // _EDGES)
        return tuple(found)

    def _fitting(self, number: int, event_type: str | None, *, timer: bool) -> Iterable[Edge]:
        node = self._chart.nodes[number]
        if event_type is None:
            return node.always
        return [edge for edge in node.edges if edge.matches(event_type, timer=timer)]

    def forget(self) -> None:
        """Forget all ways that were gone."""
        self._room.entries -= self._entries
        self._entries = 0
        self.vertices.clear()
        self._chains.clear()
        # What is known at the beginning would keep all that was reached from there.
        for vertex in self._beginnings:
            vertex.forget()

    def leave(self) -> None:
        """Forget all, and be counted with the others no longer."""
        self.forget()
        self._room = Room()

    def _count(self, entries: int) -> None:
        self._entries += entries
        self._room.entries += entries
        if self._entries > self._entries_max:
            self.forget()


def choose(vertex: Vertex, selection: Selection, macrostep: Macrostep) -> Edges:
    """Ask the guards: the first of each chain that holds, in document order of the leaves, each transition once.

    A guard is asked once even where it stands in the chains of several leaves. One that has no value counts as false,
    and raises `error.execution`.
    """
    if selection.certain is not None:
        return selection.certain
    verdicts: dict[Edge, bool] = {}
    chosen: dict[Edge, None] = {}
    for chain in selection.chains:
        for edge in chain:
            verdict = verdicts.get(edge)
            if verdict is None:
                verdict = verdicts[edge] = _holds(edge, vertex, macrostep)
            if verdict:
                chosen[edge] = None
                break
    return tuple(chosen)


def deferring(vertex: Vertex, event_type: str) -> tuple[int, ...]:
    """Find the active states that defer an event of this type."""
    return tuple(number for number, descriptor in vertex.defers if descriptor_matches(descriptor, event_type))


def _holds(edge: Edge, vertex: Vertex, macrostep: Macrostep) -> bool:
    if edge.guard is None:
        return True
    try:
        return edge.guard(macrostep.context, macrostep.event, vertex.in_state)
    except EvaluationError as error:
        macrostep.fail_guard(edge.index, str(error), f"guard of {edge.where}")
        return False


def _selection(chains: Sequence[Edges]) -> Selection:
    firsts = tuple(dict.fromkeys([chain[0] for chain in chains]))
    certain = firsts if all(edge.guard is None for edge in firsts) else None
    return Selection(tuple(chains), certain, any(edge.guard_sees_event for chain in chains for edge in chain))


_NOTHING = _selection(())
