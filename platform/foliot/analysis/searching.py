"""One search through a machine, and what it saw: the shortest way to each state, transition, verdict and timer."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from foliot.analysis.exactness import is_exact
from foliot.analysis.watching import Failure, failures, watched
from foliot.definition import Definition, StateNode, Transition
from foliot.engine import ArmTimer
from foliot.testing import (
    STEPS_MAX,
    Asked,
    Explored,
    Moves,
    Way,
    active_states,
    deciding_names,
    explore,
    parent_of,
    probe,
    world_key,
)

# A guard may be asked twice for one transition; in a loop it is asked without end.
_OFTEN: Final = 10


@dataclass(slots=True)
class Chart:
    """A machine's parts by name, with what lies above and below them."""

    definition: Definition
    nodes: dict[str, StateNode] = field(init=False)
    parents: dict[str, str | None] = field(init=False)
    transitions: dict[int, tuple[StateNode, Transition]] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = {node.id: node for node in self.definition.root.walk()}
        self.parents = parent_of(self.definition.root)
        self.transitions = {each.index: (node, each) for node in self.nodes.values() for each in node.outgoing()}

    def upwards(self, state: str) -> Iterator[StateNode]:
        """Yield a state and all above it."""
        at: str | None = state
        while at is not None:
            yield self.nodes[at]
            at = self.parents[at]

    def holds(self, state: str, other: str) -> bool:
        """Say whether the other state is this one or lies below it."""
        return any(node.id == state for node in self.upwards(other))

    def begun(self, state: str) -> Iterator[str]:
        """Name what may be entered with a state: those above, and its beginnings; of a history all around it."""
        yield from (node.id for node in self.upwards(state))
        waiting = [self.nodes[state]]
        while waiting:
            node = waiting.pop()
            yield node.id
            parent = self.parents[node.id]
            if node.kind == "history" and parent is not None:
                yield from (each.id for each in self.nodes[parent].walk())
            defaults = (*node.default_targets, *((node.initial,) if node.initial is not None else ()))
            for target in defaults:
                yield from (each.id for each in self.upwards(target))
            waiting += [self.nodes[target] for target in defaults]
            waiting += [child for child in node.children if node.kind == "parallel" and child.kind != "history"]


class Stuck(NamedTuple):
    """A move at which the engine stopped; `transition` is one that was taken again and again, -1 where none was."""

    way: Way
    error: Exception
    transition: int


@dataclass(slots=True)
class Seen:
    """What the search saw, each with the first and so the shortest way to it.

    `armed` and `fired` are timers, by id; those without a name of their own by the type of their event. `stuck` are
    moves at which the engine stopped. `untaken` are transitions that could have been taken, with the ways where they
    were not, and what was taken there. `rests` are the worlds where the instance waits, `onward` where they lead.
    """

    states: dict[str, Way | None] = field(default_factory=dict)
    taken: dict[int, Way] = field(default_factory=dict)
    verdicts: dict[tuple[int, bool], Way] = field(default_factory=dict)
    armed: dict[str, Way] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    stuck: list[Stuck] = field(default_factory=list)
    untaken: dict[int, list[tuple[Way, frozenset[int]]]] = field(default_factory=dict)
    failed: dict[Failure, Way] = field(default_factory=dict)
    rests: dict[Hashable, Way] = field(default_factory=dict)
    onward: dict[Hashable, set[Hashable]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """A machine and what a search through it saw.

    `is_proof` says that what was not seen never happens; without it the search had to stop, or went only the ways of
    sample data, and `limit` says which.
    """

    chart: Chart
    seen: Seen
    explored: Explored
    is_proof: bool
    untried: frozenset[str] = frozenset()

    @property
    def limit(self) -> str:
        """Say how far "never" goes: nothing where it is a proof."""
        if self.is_proof:
            return ""
        if self.untried:
            return f" Data for {min(self.untried)!r} were not found, so what it leads to was not tried."
        if self.explored.complete:
            return " So all ways with sample data say; other data and other moments were not tried."
        return f" Not within {self.explored.steps:,} steps, where the search ended; a longer way may show it."


def search(definition: Definition, *, steps_max: int = STEPS_MAX) -> Search:
    """Search through a machine.

    Raises:
        DefinitionNotCompilable: it cannot run.
    """
    watcher = _Watcher(definition)
    explored = explore(watcher.machine, watcher.look, steps_max=steps_max, failed=watcher.fail)
    untried = Moves(definition).untried
    is_proof = (
        explored.complete
        and is_exact(definition)
        and watcher.timers_at_once <= 1
        and not watcher.seen.stuck
        and not untried
    )
    return Search(watcher.chart, watcher.seen, explored, is_proof, untried)


def fits(descriptor: str | None, event: str) -> bool:
    """Say whether an event, or one whose type begins with it, fits a descriptor."""
    prefixes = (name.removesuffix("*").removesuffix(".") for name in (descriptor or "").split())
    return any(not prefix or f"{event}.".startswith(f"{prefix}.") for prefix in prefixes)


class _Watcher:
    """Notes what an exploration shows."""

    def __init__(self, definition: Definition) -> None:
        self.chart = Chart(definition)
        self.seen = Seen()
        self.timers_at_once = 0
        self._asked: list[Asked] = []
        self.machine = probe(watched(definition), self._asked.append)
        self._names = deciding_names(definition)
        self._see_states(self.chart.begun(""), None)

    def fail(self, way: Way, error: Exception) -> None:
        """Note a move at which the engine stopped, and what it took until then."""
        self._note_verdicts(way)
        counts = Counter(asked.transition for asked in self._asked if asked.verdict)
        repeated = [index for index, count in counts.items() if count > _OFTEN and index in self.chart.transitions]
        self.seen.stuck.append(Stuck(way, error, min(repeated, default=-1)))
        for index in counts.keys() & self.chart.transitions.keys():
            self._take(index, way)
        self._asked.clear()

    def look(self, way: Way) -> bool:
        """Note what a move showed."""
        self._note_states(way)
        self._note_verdicts(way)
        self._note_timers(way)
        for step in way.steps:
            for failure in failures(step):
                self.seen.failed.setdefault(failure, way)
        self._note_rest(way)
        self._asked.clear()
        return False

    def _see_states(self, states: Iterable[str], way: Way | None) -> None:
        for state in states:
            self.seen.states.setdefault(state, way)

    def _note_states(self, way: Way) -> None:
        for step in way.steps:
            self._see_states(active_states(self.chart.parents, step.state.configuration), way)
            for index in step.transitions:
                if index in self.chart.transitions and index not in self.seen.taken:
                    self._take(index, way)

    def _take(self, index: int, way: Way) -> None:
        self.seen.taken.setdefault(index, way)
        for target in self.chart.transitions[index][1].targets:
            self._see_states(self.chart.begun(target), way)

    def _note_verdicts(self, way: Way) -> None:
        taken = frozenset(index for step in way.steps for index in step.transitions)
        for asked in self._asked:
            self.seen.verdicts.setdefault((asked.transition, asked.verdict), way)
            if asked.verdict and way.steps and asked.transition not in taken:
                ways = self.seen.untaken.setdefault(asked.transition, [])
                if len(ways) < len(self.chart.transitions):
                    ways.append((way, taken))

    def _note_timers(self, way: Way) -> None:
        self.timers_at_once = max(self.timers_at_once, len(way.world.state.timers))
        before, now = way.came_from.state, way.world.now
        if way.move.event is None:
            self.seen.fired |= {
                _timer_name(name, timer.event) for name, timer in before.timers.items() if timer.due <= now
            }
        for step in way.steps:
            for effect in step.effects:
                if isinstance(effect, ArmTimer):
                    name = _timer_name(effect.id, effect.event)
                    self.seen.armed.setdefault(name, way)
                    if effect.due <= now:
                        self.seen.fired.add(name)

    def _note_rest(self, way: Way) -> None:
        before, after = (world_key(world, self._names) for world in (way.came_from, way.world))
        key = (after, way.world.state.done)
        self.seen.onward.setdefault((before, False), set()).add(key)
        self.seen.rests.setdefault(key, way)


def _timer_name(timer_id: str, event: str) -> str:
    return event if timer_id.startswith("send.") else timer_id


def backwards(onward: dict[Hashable, set[Hashable]], ends: Iterable[Hashable]) -> set[Hashable]:
    """Find all from where a way leads to one of `ends`."""
    before: dict[Hashable, list[Hashable]] = {}
    for key, others in onward.items():
        for other in others:
            before.setdefault(other, []).append(key)
    found = set(ends)
    waiting = deque(found)
    while waiting:
        for key in before.get(waiting.popleft(), ()):
            if key not in found:
                found.add(key)
                waiting.append(key)
    return found
