"""What is drawn into a diagram for one instance: where it is, where it has been, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from foliot.definition.diagrams.rows import Row
from foliot.definition.model import Definition, StateNode, Transition


@dataclass(frozen=True, slots=True)
class Marks:
    """How an instance stands and what it did.

    `active` names all active states, ancestors too; `visits` says how often a state was entered, `taken` how often the
    transition of a number was taken. `caption` is a line below the title.
    """

    active: frozenset[str] = frozenset()
    visits: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[int, int] = field(default_factory=dict)
    caption: str = ""

    def times(self, row: Row) -> int:
        """Tell how often the transition of a row was taken."""
        return 0 if row.transition is None else self.taken.get(row.transition.index, 0)


def with_count(text: str, times: int) -> str:
    """Write behind a text how often it was so."""
    return f"{text} ×{times}" if times else text


def marks_of(
    definition: Definition, configuration: Iterable[str], steps: Iterable[tuple[int, ...]], *, born: bool, caption: str
) -> Marks:
    """Count what an instance did: `steps` has the numbers of the transitions of each step, in any order.

    `born` says that its birth is among what is counted. Where a transition leads to a history state, that one is
    counted, and not what it brought back: the journal's transitions do not say it.
    """
    tree = _Tree(definition)
    taken = Counter(number for numbers in steps for number in numbers)
    visits: Counter[str] = Counter()
    if born:
        visits.update(tree.entered_by_default(definition.root))
    for number, count in taken.items():
        for state in tree.entered(number):
            visits[state] += count
    active = frozenset(ancestor for leaf in configuration for ancestor in tree.path(leaf))
    return Marks(active, dict(visits), dict(taken), caption)


class _Tree:
    """A machine's states by id, and which of them each transition enters.

    Source: W3C SCXML 1.0, section D, `computeEntrySet` and `getTransitionDomain`, the latter with the rule of XState v5
    for transitions that stay inside their source.
    """

    def __init__(self, definition: Definition) -> None:
        self._states = {state.id: state for state in definition.root.walk()}
        self._parents = {child.id: state.id for state in self._states.values() for child in state.children}
        self._transitions = {
            transition.index: (state, transition) for state in self._states.values() for transition in state.outgoing()
        }

    def path(self, id_: str) -> list[str]:
        """Name a state and its ancestors but the root, innermost first; a state that is not there has none."""
        found = []
        while id_ in self._parents:
            found.append(id_)
            id_ = self._parents[id_]
        return found

    def entered(self, number: int) -> Iterator[str]:
        """Name the states that a transition enters, each once."""
        if number not in self._transitions:
            return
        source, transition = self._transitions[number]
        if not transition.targets:
            return
        domain = self._domain(source, transition)
        paths = [list(reversed(self._below(domain, target))) for target in transition.targets]
        wanted = {id_ for path in paths for id_ in path}
        targets = set(transition.targets)
        yield from dict.fromkeys(self._entered_below(self._states[domain], wanted, targets))

    def entered_by_default(self, state: StateNode) -> Iterator[str]:
        """Name what is entered below a state that is entered without further words."""
        return self._entered_below(state, set(), set())

    def _entered_below(self, state: StateNode, wanted: set[str], targets: set[str]) -> Iterator[str]:
        chosen = [child for child in state.children if child.id in wanted]
        if state.kind == "parallel":
            chosen = [child for child in state.children if child.kind != "history" or child.id in targets]
        elif not chosen and state.initial is not None:
            chosen = [self._states[state.initial]]
        elif not chosen and state.kind == "compound":
            wanted = {id_ for target in state.default_targets for id_ in self.path(target)}
            targets = set(state.default_targets)
            chosen = [child for child in state.children if child.id in wanted]
        for child in chosen:
            yield child.id
            yield from self._entered_below(child, wanted, targets)

    def _domain(self, source: StateNode, transition: Transition) -> str:
        """Name the state inside which a transition happens; it is neither left nor entered."""
        inner = all(source.id in (*self.path(target), "") for target in transition.targets)
        if inner and not transition.reenter:
            return source.id
        common = self._proper_ancestors(source.id)
        for target in transition.targets:
            above = self._proper_ancestors(target)
            common = [id_ for id_ in common if id_ in above]
        return next((id_ for id_ in common if self._states[id_].kind != "parallel"), "")

    def _proper_ancestors(self, id_: str) -> list[str]:
        return [*self.path(id_)[1:], ""]

    def _below(self, domain: str, id_: str) -> list[str]:
        path = self.path(id_)
        return path[: path.index(domain)] if domain in path else path
