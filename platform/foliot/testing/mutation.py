"""Whether scenarios notice the faults of mutants, and whether anybody could.

A mutant that no scenario notices is compared with the machine: both go the same ways, as far as `explore` goes, until
something differs. Then there is a way that tells them apart, and no scenario that goes it. Where nothing differs they
are alike as far as was explored; that is a proof only within what `exploring` says of itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from foliot.definition import Definition
from foliot.engine import Compiled, DefinitionNotCompilable, EngineError, Step
from foliot.engine import compile as compile_machine
from foliot.testing.exploring import Move, NeverRests, Way, apply, explore
from foliot.testing.generating import golden
from foliot.testing.judging import play
from foliot.testing.mutants import Mutant, mutants
from foliot.testing.relevance import all_expressions
from foliot.testing.scenarios import Scenario

Verdict: TypeAlias = Literal["caught", "missed", "alike", "undecided"]
COMPARED_STEPS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a mutant.

    caught: the scenario `by` fails. missed: `scenario` would have failed, and is not there. alike: all was explored and
    nothing differs. undecided: nothing differs as far as the budget of steps went.
    """

    mutant: Mutant
    verdict: Verdict
    by: str = ""
    scenario: Scenario | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """How many mutants there are of each verdict."""

    caught: int
    missed: int
    alike: int
    undecided: int

    @property
    def percent(self) -> float:
        """The caught ones of all that are not shown to be alike, in percent."""
        different = self.caught + self.missed + self.undecided
        return 100 * self.caught / different if different else 100.0

    @property
    def percent_of_all(self) -> float:
        """The caught ones of all mutants, in percent."""
        count = self.caught + self.missed + self.alike + self.undecided
        return 100 * self.caught / count if count else 100.0


def judge_mutants(
    definition: Definition, scenarios: Sequence[Scenario], *, steps_max: int = COMPARED_STEPS_MAX
) -> Iterator[Judged]:
    """Judge all mutants, one after the other."""
    machine = compile_machine(definition)
    for mutant in mutants(definition):
        yield _judge(machine, mutant, scenarios, steps_max)


def score(judged: Iterable[Judged]) -> Score:
    """Count verdicts."""
    verdicts = [each.verdict for each in judged]
    return Score(*(verdicts.count(word) for word in ("caught", "missed", "alike", "undecided")))


def _judge(machine: Compiled, mutant: Mutant, scenarios: Sequence[Scenario], steps_max: int) -> Judged:
    try:
        changed = compile_machine(mutant.definition)
        by = next((each.name for each in scenarios if not play(changed, each).passed), None)
    except (DefinitionNotCompilable, EngineError) as error:
        return Judged(mutant, "caught", by=f"it does not run: {error}")
    if by is not None:
        return Judged(mutant, "caught", by=by)
    moves, complete = tell_apart(machine, changed, steps_max=steps_max)
    if moves:
        return Judged(mutant, "missed", scenario=golden(machine, moves, f"{mutant.what}, {mutant.kind}"))
    return Judged(mutant, "alike" if complete else "undecided")


def tell_apart(
    machine: Compiled, other: Compiled, *, steps_max: int = COMPARED_STEPS_MAX
) -> tuple[tuple[Move, ...], bool]:
    """Find the shortest moves after which two machines differ; without any, say whether all was explored."""
    found: list[tuple[Move, ...]] = []

    def differs(way: Way) -> bool:
        try:
            _, steps = apply(other, way.came_from, way.move)
        except (EngineError, NeverRests):
            steps = ()
        if _seen(steps) == _seen(way.steps):
            return False
        found.append(way.moves())
        return True

    explored = explore(
        machine, differs, steps_max=steps_max, sources=_differences(machine.definition, other.definition)
    )
    return (found[0] if found else ()), explored.complete


def _differences(one: Definition, other: Definition) -> list[str]:
    """Give the expressions that one of two machines has and the other has not: what these read matters, too."""
    ours, theirs = Counter(all_expressions(one)), Counter(all_expressions(other))
    return list((ours - theirs) + (theirs - ours))


def _seen(steps: tuple[Step, ...]) -> tuple[object, ...]:
    """Tell what can be seen of steps from outside; transitions have other numbers in a mutant."""
    return tuple((step.state, step.outcome, step.effects) for step in steps)
