"""Scenarios made by the machine itself: the shortest way to whatever there is to cover, with what was seen as expected.

They say what the machine does, not what it should do: who keeps them sees every later change of it. The goals are those
of `goals`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from foliot.definition import Definition
from foliot.engine import Compiled, EngineError
from foliot.engine import compile as compile_machine
from foliot.testing.exploring import BEGINNING, STEPS_MAX, Move, Way, apply, explore
from foliot.testing.goals import Goal, Goals
from foliot.testing.judging import timers_left
from foliot.testing.probing import Asked, probe
from foliot.testing.running import Play, Seen, effect_words
from foliot.testing.scenarios import (
    Expectation,
    ExpectedEffect,
    Scenario,
    ScenarioStep,
    write_duration,
)


@dataclass(frozen=True, slots=True)
class Generated:
    """Scenarios, and the names of the goals that they reach and miss.

    `impossible` are missed transitions and verdicts of guards to which no way leads, as far as `exploring` can tell.
    """

    scenarios: tuple[Scenario, ...]
    reached: tuple[str, ...]
    missed: tuple[str, ...]
    impossible: tuple[str, ...]


def generate(definition: Definition, *, steps_max: int = STEPS_MAX) -> Generated:
    """Find the shortest ways to all goals, and make scenarios of them: few that reach all that was reached."""
    goals = Goals(definition)
    asked: list[Asked] = []
    machine = probe(definition, asked.append)
    found: dict[Goal, Way] = {}

    def look_for(wanted: frozenset[Goal], reached: Callable[[Way], Iterable[Goal]]) -> Callable[[Way], bool]:
        def look(way: Way) -> bool:
            for goal in reached(way):
                if goal in wanted:
                    found.setdefault(goal, way)
            asked.clear()
            return wanted <= found.keys()

        return look

    singles, pairs = goals.singles(), goals.pairs()
    explored = explore(machine, look_for(singles, lambda way: goals.reached(way, asked, found)), steps_max=steps_max)
    # After which transition an instance came to where it is matters for nothing but pairs.
    explore(
        machine,
        look_for(pairs, goals.pairs_of),
        steps_max=steps_max,
        mark=lambda way: next(way.transitions_backwards(), -1),
    )

    plain = compile_machine(definition)
    chosen = fewest(found)
    scenarios = (golden(plain, way.moves(), f"{n}: {goals.named(goal)}") for n, (goal, way) in enumerate(chosen, 1))
    missed = sorted((singles | pairs) - found.keys(), key=str)
    impossible = [goal for goal in missed if explored.complete and goal.kind in {"transition", "guard"}]
    return Generated(
        tuple(scenarios), *(tuple(goals.named(goal) for goal in group) for group in (found, missed, impossible))
    )


def fewest(found: Mapping[Goal, Way]) -> list[tuple[Goal, Way]]:
    """Choose ways so that each goal is reached; what a longer way passes needs none of its own."""
    ends: dict[int, list[Goal]] = {}
    for goal, way in found.items():
        ends.setdefault(id(way), []).append(goal)
    left = set(found)
    chosen: list[tuple[Goal, Way]] = []
    for goal, way in sorted(found.items(), key=lambda each: -len(each[1].whole())):
        if goal in left:
            left.difference_update(each for part in way.whole() for each in ends.get(id(part), ()))
            chosen.append((ends[id(way)][0], way))
    return list(reversed(chosen))


def golden(machine: Compiled, moves: Iterable[Move], name: str) -> Scenario:
    """Make a scenario of what happens, which expects what is seen now; the last step expects the whole context."""
    instance = Play(machine)
    occurrences = list(_occurrences(machine, moves))
    steps: list[ScenarioStep] = []
    for number, occurrence in enumerate(occurrences, 1):
        seen = instance.perform(occurrence)
        expect = _expected(seen, is_last=number == len(occurrences))
        steps.append(occurrence.model_copy(update={"expect": expect}))
    # What was left out above must be left out in the file, too.
    return Scenario.model_validate(
        {"name": name, "steps": [step.model_dump(mode="json", by_alias=True, exclude_unset=True) for step in steps]}
    )


def _occurrences(machine: Compiled, moves: Iterable[Move]) -> Iterator[ScenarioStep]:
    world = BEGINNING
    for move in moves:
        before = world.now
        try:
            world, _ = apply(machine, world, move)
        except EngineError:
            world = dataclasses.replace(world, count=world.count + 1)
        if move.event is None:
            yield ScenarioStep(advance=write_duration(world.now - before))
        elif move.data is None:
            yield ScenarioStep(event=move.event)
        else:
            yield ScenarioStep(event=move.event, data=move.data)


def _expected(seen: Seen, *, is_last: bool) -> Expectation:
    said: dict[str, Any] = {"configuration": seen.state.configuration}
    if seen.outcome not in {None, "taken"}:
        said["outcome"] = seen.outcome
    before, after = seen.before.context, seen.state.context
    changed = {
        name: value
        for name, value in after.items()
        if is_last or name not in before or orjson.dumps(before[name]) != orjson.dumps(value)
    }
    if changed:
        said["context"] = changed
    if gone := [name for name in before if name not in after]:
        said["absent"] = gone
    said["effects"] = [ExpectedEffect.model_validate(effect_words(effect)) for effect in seen.effects]
    timers = timers_left(seen)
    if timers or seen.before.timers:
        said["timers"] = timers
    if seen.state.done:
        said["done"] = True
    return Expectation.model_validate(said)
