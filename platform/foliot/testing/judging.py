"""What a scenario expects against what was seen, with the difference in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from foliot.cel import EvaluationError
from foliot.definition import compile_guard
from foliot.engine import Compiled
from foliot.testing.running import Parents, Play, Seen, StateNotLegal, active_states, effect_words, parent_of
from foliot.testing.scenarios import (
    Expectation,
    ExpectedEffect,
    Occurrence,
    Scenario,
    duration_us,
    write_duration,
)
from foliot.testing.sessions import NO_EVENT


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expectation that does not hold. `path` leads to it from the scenario; the texts are for people."""

    path: tuple[str | int, ...]
    what: str
    expected: str
    seen: str


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was run: all that was seen, and the mismatches of the first step that has some."""

    scenario: Scenario
    seen: tuple[Seen, ...]
    given: tuple[Seen, ...]
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.mismatches


def play(machine: Compiled, scenario: Scenario) -> Played:
    """Run a scenario until something is not as expected."""
    instance = Play(machine, scenario.given.services)
    try:
        given = tuple(instance.begin(scenario.given))
    except StateNotLegal as error:
        return Played(scenario, (), (), (Mismatch(("given", "state"), "the state", "one that can be", str(error)),))
    parents = parent_of(machine.definition.root)
    seen: list[Seen] = []
    for number, step in enumerate(scenario.steps):
        seen.append(instance.perform(step))
        path = ("steps", number)
        found = tuple(_judge(parents, step.expect, seen[-1], (*path, "expect")))
        if not found and seen[-1].outcome == "failed" and step.expect.outcome is None:
            found = (Mismatch(path, "the step", "to be taken", f"failed: {seen[-1].why}"),)
        if found:
            return Played(scenario, tuple(seen), given, found)
    return Played(scenario, tuple(seen), given, ())


def _judge(parents: Parents, expected: Expectation, seen: Seen, path: tuple[str | int, ...]) -> Iterator[Mismatch]:
    if expected.outcome is not None and expected.outcome != (seen.outcome or "taken"):
        was = f"{seen.outcome}: {seen.why}" if seen.why else str(seen.outcome)
        yield Mismatch((*path, "outcome"), "the outcome", expected.outcome, was)
    yield from _judge_states(parents, expected, seen, path)
    yield from _judge_context(parents, expected, seen, path)
    if expected.effects is not None:
        yield from _judge_effects(expected.effects, seen, (*path, "effects"))
    if expected.timers is not None:
        yield from _judge_timers(expected.timers, seen, (*path, "timers"))
    if expected.done is not None and expected.done != seen.state.done:
        yield Mismatch((*path, "done"), "whether it is done", _json(expected.done), _json(seen.state.done))


def _judge_states(
    parents: Parents, expected: Expectation, seen: Seen, path: tuple[str | int, ...]
) -> Iterator[Mismatch]:
    leaves = seen.state.configuration
    shown = ", ".join(leaves) or "no state"
    if expected.configuration is not None and set(expected.configuration) != set(leaves):
        yield Mismatch(
            (*path, "configuration"), "the configuration", ", ".join(expected.configuration) or "no state", shown
        )
    if expected.active or expected.not_active:
        active = active_states(parents, leaves)
        for number, state in enumerate(expected.active):
            if state not in active:
                yield Mismatch((*path, "in", number), "the active states", state, shown)
        for number, state in enumerate(expected.not_active):
            if state in active:
                yield Mismatch((*path, "not_in", number), "the active states", f"not {state}", shown)


def _judge_context(
    parents: Parents, expected: Expectation, seen: Seen, path: tuple[str | int, ...]
) -> Iterator[Mismatch]:
    context = seen.state.context
    for name, value in expected.context.items():
        if name not in context:
            yield Mismatch((*path, "context", name), f"context.{name}", _json(value), "nothing")
        elif not _same(value, context[name]):
            yield Mismatch((*path, "context", name), f"context.{name}", _json(value), _json(context[name]))
    for number, name in enumerate(expected.absent):
        if name in context:
            yield Mismatch((*path, "absent", number), f"context.{name}", "nothing", _json(context[name]))
    for number, condition in enumerate(expected.holds):
        verdict = _verdict(condition, parents, seen)
        if verdict:
            yield Mismatch((*path, "holds", number), condition, "true", verdict)


def _verdict(condition: str, parents: Parents, seen: Seen) -> str:
    """Say what a condition is where it is not true."""
    event = (seen.event or NO_EVENT)._asdict()
    active = active_states(parents, seen.state.configuration)
    try:
        holds = compile_guard(condition).evaluate(seen.state.context, event, active.__contains__)
    except EvaluationError as error:
        return f"no value: {error}"
    return "" if holds else "false"


def _judge_effects(expected: tuple[ExpectedEffect, ...], seen: Seen, path: tuple[str | int, ...]) -> Iterator[Mismatch]:
    done = [effect_words(effect) for effect in seen.effects]
    for number, (want, got) in enumerate(zip(expected, done, strict=False)):
        wanted = want.model_dump(mode="json", exclude_unset=True)
        if not _within(wanted, got):
            yield Mismatch((*path, number), f"effect {number + 1}", _json(wanted), _json(got))
    if len(expected) > len(done):
        wanted = expected[len(done)].model_dump(mode="json", exclude_unset=True)
        yield Mismatch((*path, len(done)), f"effect {len(done) + 1}", _json(wanted), "nothing")
    for number in range(len(expected), len(done)):
        yield Mismatch(path, f"effect {number + 1}", "nothing", _json(done[number]))


def _judge_timers(expected: Mapping[str, str], seen: Seen, path: tuple[str | int, ...]) -> Iterator[Mismatch]:
    armed = timers_left(seen)
    for timer_id in sorted(expected.keys() | armed.keys()):
        want, got = expected.get(timer_id), armed.get(timer_id)
        if want is None or got is None or duration_us(want) != duration_us(got):
            yield Mismatch((*path, timer_id) if want else path, f"the timer {timer_id}", _due(want), _due(got))


def _due(left: str | None) -> str:
    return "not armed" if left is None else f"due in {left}"


def timers_left(seen: Seen) -> dict[str, str]:
    """Tell the armed timers and how long each still takes."""
    return {timer_id: write_duration(timer.due - seen.now) for timer_id, timer in seen.state.timers.items()}


def _within(expected: Any, seen: Any, *, depth: int = 0) -> bool:
    """Whether an effect is as told; what its words leave out may be anything, but data are compared whole."""
    if depth < 2 and isinstance(expected, dict) and isinstance(seen, dict):
        return all(name in seen and _within(value, seen[name], depth=depth + 1) for name, value in expected.items())
    return _same(expected, seen)


def _same(one: Any, other: Any) -> bool:
    """Compare JSON values: 1 and 1.0 are the same number, 1 and true are not the same."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case dict(), dict():
            return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
        case (list() | tuple(), list() | tuple()):
            return len(one) == len(other) and all(map(_same, one, other))
        case _:
            return bool(one == other)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def narrate(played: Played) -> Iterator[str]:
    """Tell in a line each what has happened, and where it led."""
    occurrences: list[Occurrence] = [*played.scenario.given.events, *played.scenario.steps]
    for occurrence, seen in zip(occurrences, (*played.given, *played.seen), strict=False):
        told = [f"after {occurrence.advance}"] if occurrence.advance else []
        told += [f"at {occurrence.at}"] if occurrence.at else []
        if occurrence.event is not None:
            told += [occurrence.event, *([_json(occurrence.data)] if occurrence.told("data") else [])]
        outcome = "" if seen.outcome in {None, "taken"} else f" ({seen.outcome})"
        yield f"{' '.join(told)} → {', '.join(seen.state.configuration) or 'no state'}{outcome}"
