"""What generated scenarios are to reach.

All transitions, both verdicts of all guards, pairs of transitions; and for each small change of an expression (see
`variants`) a moment at which the changed one would have had another value. Such a moment is found exactly for guards,
and for actions by the context from before the step, which is a guess where the step changes it first.

Source: W. E. Howden, "Weak mutation testing and completeness of test sets", IEEE TSE SE-8 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from foliot.cel import CelError, EvaluationError, Program
from foliot.definition import Action, Assign, Cel, Definition, Raise, Send, Transition, compile_guard, compile_value
from foliot.engine import InState
from foliot.testing.coverage import PAIR_GAP_MAX, CoverableParts, name_transition
from foliot.testing.exploring import Way
from foliot.testing.probing import Asked
from foliot.testing.running import active_states, make_event
from foliot.testing.sessions import NO_EVENT
from foliot.testing.variants import guard_variants, value_variants

_NOTHING: Final = object()


class _Change(NamedTuple):
    """A changed expression, and whether it has another value than the machine's own."""

    what: str
    differs: Callable[[Mapping[str, Any], Mapping[str, Any], InState], bool]


class Goal(NamedTuple):
    """`kind` is transition, guard, bound, value or pair; `transition` is reached in the way that `detail` says."""

    kind: str
    transition: int
    detail: int = 0


class Goals:
    """The goals of one machine, and which of them something reaches."""

    def __init__(self, definition: Definition) -> None:
        self._parts = CoverableParts(definition)
        transitions = self._parts.transitions
        self._bounds = {index: tuple(_bounds(transition)) for index, (_, transition) in transitions.items()}
        self._values = {index: tuple(_values(transition)) for index, (_, transition) in transitions.items()}

    def singles(self) -> frozenset[Goal]:
        """Give all goals but the pairs."""
        return frozenset(self._singles())

    def _singles(self) -> Iterator[Goal]:
        for index, (_, transition) in self._parts.transitions.items():
            yield Goal("transition", index)
            if transition.guard is not None:
                yield from (Goal("guard", index, verdict) for verdict in (True, False))
            yield from (Goal("bound", index, number) for number in range(len(self._bounds[index])))
            yield from (Goal("value", index, number) for number in range(len(self._values[index])))

    def pairs(self) -> frozenset[Goal]:
        """Give the pairs of transitions; `detail` is the first of the two."""
        return frozenset(Goal("pair", index, first) for index, before in self._parts.pairs.items() for first in before)

    def reached(self, way: Way, asked: Iterable[Asked], found: Collection[Goal]) -> Iterator[Goal]:
        """Yield what the last move of a way reaches, but pairs; what is found already may be left out."""
        taken = [index for step in way.steps for index in step.transitions]
        for index in dict.fromkeys(taken):
            yield Goal("transition", index)
            yield from self._valued(index, way, found)
        for each in asked:
            yield Goal("guard", each.transition, each.verdict)
            for number, change in enumerate(self._bounds[each.transition]):
                goal = Goal("bound", each.transition, number)
                if goal not in found and change.differs(each.context, each.event, each.in_state):
                    yield goal

    def _valued(self, index: int, way: Way, found: Collection[Goal]) -> Iterator[Goal]:
        for number, change in enumerate(self._values[index]):
            goal = Goal("value", index, number)
            if goal not in found:
                before, move = way.came_from, way.move
                event = NO_EVENT
                if move.event is not None:
                    event = make_event(before.count + 1, move.event, move.data, before.now)
                active = active_states(self._parts.parents, before.state.configuration)
                if change.differs(before.state.context, event._asdict(), active.__contains__):
                    yield goal

    def pairs_of(self, way: Way) -> Iterator[Goal]:
        """Yield the pairs that end in the last move of a way."""
        count = sum(len(step.transitions) for step in way.steps)
        latest = list(islice(way.transitions_backwards(), count + PAIR_GAP_MAX))
        for place in reversed(range(count)):
            first = self._parts.first_of_pair(latest[place], latest[place + 1 :])
            if first is not None:
                yield Goal("pair", latest[place], first)

    def named(self, goal: Goal) -> str:
        """Name a goal for people."""
        name = name_transition(*self._parts.transitions[goal.transition])
        match goal.kind:
            case "guard":
                return f"{name}, guard {'true' if goal.detail else 'false'}"
            case "bound":
                return f"{name}, where [{self._bounds[goal.transition][goal.detail].what}] says otherwise"
            case "value":
                return f"{name}, where {self._values[goal.transition][goal.detail].what} is another value"
            case "pair":
                return f"{name_transition(*self._parts.transitions[goal.detail])}, then {name}"
            case _:
                return name


def _bounds(transition: Transition) -> Iterator[_Change]:
    if transition.guard is not None:
        own = compile_guard(transition.guard)
        for variant in guard_variants(transition.guard):
            yield _Change(variant, _differs(own, compile_guard(variant)))


def _values(transition: Transition) -> Iterator[_Change]:
    for name, source in _sources(transition.actions):
        others = [*value_variants(source), *([f"context.{name}"] if name else [])]
        try:
            own = compile_value(source)
            yield from (_Change(other, _differs(own, compile_value(other))) for other in others)
        except CelError:
            continue


def _sources(actions: Iterable[Action]) -> Iterator[tuple[str, str]]:
    """Yield the expressions of actions, each with the name of the context that it is assigned to, or without one."""
    for action in actions:
        match action:
            case Assign():
                yield from ((name, each.source) for name, each in action.values.items() if isinstance(each, Cel))
            case Raise() | Send():
                yield from (("", each.source) for each in action.data.values() if isinstance(each, Cel))
            case _:
                pass


def _differs(own: Program, other: Program) -> Callable[[Mapping[str, Any], Mapping[str, Any], InState], bool]:
    def differ(context: Mapping[str, Any], event: Mapping[str, Any], in_state: InState) -> bool:
        one, two = _value(own, context, event, in_state), _value(other, context, event, in_state)
        return type(one) is not type(two) or bool(one != two)

    return differ


def _value(program: Program, context: Mapping[str, Any], event: Mapping[str, Any], in_state: InState) -> Any:
    try:
        return program.evaluate(context, event, in_state)
    except EvaluationError:
        return _NOTHING
