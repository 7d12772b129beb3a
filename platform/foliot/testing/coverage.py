"""What of a machine its scenarios have tried: states, transitions, guards both ways, and pairs of transitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, NamedTuple, TypeAlias

from foliot.definition import Definition, StateNode, Transition
from foliot.testing.probing import Asked
from foliot.testing.running import Seen, active_states, parent_of

Measure: TypeAlias = Literal["states", "transitions", "guards", "pairs"]
MEASURES: Final[tuple[Measure, ...]] = ("states", "transitions", "guards", "pairs")
PAIR_GAP_MAX: Final = 200
"""Transitions between the two of a pair, at most."""


class Item(NamedTuple):
    """One thing to be covered.

    `state` and `transition` say where it stands: a transition's own place where it is no less than 0.
    """

    measure: Measure
    what: str
    state: str
    transition: int = -1


@dataclass(frozen=True, slots=True)
class Summary:
    """How much of one measure is covered, and what is not, in document order."""

    measure: Measure
    covered: int
    total: int
    missing: tuple[Item, ...]

    @property
    def percent(self) -> float:
        """Covered of all, in percent; all of nothing is 100."""
        return 100 * self.covered / self.total if self.total else 100.0


@dataclass(slots=True)
class CoverableParts:
    """The parts of a machine that coverage speaks of, by their names."""

    definition: Definition
    states: tuple[str, ...] = field(init=False)
    parents: Mapping[str, str | None] = field(init=False)
    transitions: Mapping[int, tuple[str, Transition]] = field(init=False)
    pairs: Mapping[int, frozenset[int]] = field(init=False)
    """For each transition those after which it may be the next: they enter its source, or stay in it."""
    _nodes: Mapping[str, StateNode] = field(init=False)

    def __post_init__(self) -> None:
        nodes = list(self.definition.root.walk())
        self._nodes = {node.id: node for node in nodes}
        self.states = tuple(node.id for node in nodes if node.id and node.kind != "history")
        self.parents = parent_of(self.definition.root)
        self.transitions = {each.index: (node.id, each) for node in nodes for each in node.outgoing()}
        entered = {index: self._entered(index) for index in self.transitions}
        self.pairs = {index: frozenset(self._before(index, entered)) for index in self.transitions}

    def first_of_pair(self, index: int, latest: Iterable[int]) -> int | None:
        """Find with which transition this one makes a pair, among those that were taken before, the last one first."""
        return next((each for each in islice(latest, PAIR_GAP_MAX) if each in self.pairs[index]), None)

    def _before(self, index: int, entered: Mapping[int, set[str]]) -> Iterator[int]:
        """Yield the transitions after which this one may be the next."""
        source, transition = self.transitions[index]
        ends = (transition.event or "").startswith("done.state")
        # A timer that has fired is not armed again before its state is entered again.
        fires_once = (transition.event or "").startswith("after.") and not transition.targets
        for other, states in entered.items():
            if fires_once and other == index:
                continue
            if self._finishes(states, source) if ends else source in states:
                yield other

    def _entered(self, index: int) -> set[str]:
        """Name the states that a transition enters, or the one in which it stays."""
        source, transition = self.transitions[index]
        if not transition.targets:
            return {source}
        left = active_states(self.parents, (source,))
        found: set[str] = set()
        for target in transition.targets:
            node = self._nodes[target]
            parent = self.parents[target]
            if node.kind == "history" and parent is not None:
                node = self._nodes[parent]
                found |= {each.id for each in node.walk() if each.kind != "history"}
            found |= {*_begun(node), *(active_states(self.parents, (node.id,)) - left)}
        return found

    def _finishes(self, entered: set[str], state: str) -> bool:
        """Whether one of these is a final state below this one."""
        finals = (each for each in entered if self._nodes[each].kind == "final")
        return any(state in active_states(self.parents, (each,)) for each in finals)


def _begun(node: StateNode) -> Iterator[str]:
    """Name a state and those that are entered with it."""
    yield node.id
    for child in node.children:
        if node.kind == "parallel" or child.id == node.initial or child.id in node.default_targets:
            yield from _begun(child)


class Coverage:
    """Counts what runs try. `note` takes what was seen, `asked` each verdict of a guard (see `probe`)."""

    def __init__(self, definition: Definition) -> None:
        self._parts = CoverableParts(definition)
        self._states: set[str] = set()
        self._taken: set[int] = set()
        self._guards: set[tuple[int, bool]] = set()
        self._pairs: set[tuple[int, int]] = set()

    def asked(self, asked: Asked) -> None:
        """Count a verdict."""
        self._guards.add((asked.transition, asked.verdict))

    def note(self, run: Iterable[Seen]) -> None:
        """Count all that one run of an instance went through."""
        past: list[int] = []
        parents = self._parts.parents
        for seen in run:
            self._states |= active_states(parents, seen.before.configuration)
            for _, step in seen.steps:
                self._states |= active_states(parents, step.state.configuration)
            for index in seen.transitions:
                self._take(index, past)
                past.append(index)

    def _take(self, index: int, past: list[int]) -> None:
        source, transition = self._parts.transitions[index]
        self._taken.add(index)
        self._states |= active_states(self._parts.parents, (source, *transition.targets))
        first = self._parts.first_of_pair(index, reversed(past))
        if first is not None:
            self._pairs.add((first, index))

    def summaries(self) -> tuple[Summary, ...]:
        """Tell all measures."""
        parts = self._parts
        states = [(Item("states", state, state), state in self._states) for state in parts.states]
        transitions = [
            (Item("transitions", self._named(index), source, index), index in self._taken)
            for index, (source, _) in sorted(parts.transitions.items())
        ]
        guards = [
            (
                Item("guards", f"{self._named(index)} [{transition.guard}] {str(verdict).lower()}", source, index),
                (index, verdict) in self._guards,
            )
            for index, (source, transition) in sorted(parts.transitions.items())
            if transition.guard is not None
            for verdict in (True, False)
        ]
        pairs = [
            (
                Item("pairs", f"{self._named(first)}, then {self._named(index)}", parts.transitions[index][0], index),
                (first, index) in self._pairs,
            )
            for index, before in sorted(parts.pairs.items())
            for first in sorted(before)
        ]
        return tuple(
            _summary(measure, items)
            for measure, items in zip(MEASURES, (states, transitions, guards, pairs), strict=True)
        )

    def _named(self, index: int) -> str:
        source, transition = self._parts.transitions[index]
        return name_transition(source, transition)


def name_transition(source: str, transition: Transition) -> str:
    """Name a transition for people: where from, by what, where to."""
    event = transition.event or "always"
    event = "after" if event.startswith("after.") else "done" if event.startswith("done.state") else event
    targets = ", ".join(transition.targets)
    return f"{source or 'the root'} --{event}--> {targets}" if targets else f"{source or 'the root'} --{event}-->"


def _summary(measure: Measure, items: list[tuple[Item, bool]]) -> Summary:
    missing = tuple(item for item, covered in items if not covered)
    return Summary(measure, len(items) - len(missing), len(items), missing)
