"""All engines on all machines, round after round: first they must do the same, then their figures count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, Final, TypeAlias

from benchmarks.engines.entrants import Entrant
from benchmarks.measure import Failed
from benchmarks.peers.engines.measuring import EVENTS
from benchmarks.rig import ROOT, MachineClock

Say: TypeAlias = Callable[[str], None]
Answer: TypeAlias = dict[str, Any]
"""What a program prints of one machine."""
OPERATIONS: Final = ("step", "create", "resume")
_ANSWER_S_MAX: Final = 600.0


@dataclass(frozen=True, slots=True)
class EnginesPlan:
    """How long it is measured."""

    rounds: int
    seconds: float
    """Of CPU for each operation of each engine on each machine, after as much as a quarter of it to warm up."""
    alive: int
    """Instances whose memory is measured together."""


def compare(entrants: Sequence[Entrant], not_measured: Sequence[str], plan: EnginesPlan, say: Say) -> dict[str, Any]:
    """Measure everybody in turn, machine by machine and round by round.

    Raises:
        Failed: a program broke down, or does something else than Foliot.
    """
    for reason in not_measured:
        say(f"NOT MEASURED: {reason}")
    rounds, surroundings = [], []
    for number in range(plan.rounds):
        before = MachineClock.read()
        answers = {machine: _measure(entrants, machine, plan, say) for machine in EVENTS}
        sizes = _ask((sys.executable, "-m", "benchmarks.foliot_alone.sizes", "--seconds", str(plan.seconds)))
        surroundings.append({"load_before": before.load, "stolen": MachineClock.read().stolen_since(before)})
        rounds.append({"machines": answers, "sizes": sizes})
        say(f"round {number + 1}/{plan.rounds} is done")
    return as_engine_figures(entrants, not_measured, plan, rounds, surroundings)


def as_engine_figures(
    entrants: Sequence[Entrant],
    not_measured: Sequence[str],
    plan: EnginesPlan,
    rounds: Sequence[Mapping[str, Any]],
    surroundings: Sequence[Mapping[str, float]],
) -> dict[str, Any]:
    """Put all that was seen into one document; traces are left out, since they are all the same."""
    last = rounds[-1]["machines"]
    return {
        "plan": asdict(plan),
        "entrants": {
            entrant.name: {
                "title": entrant.title,
                "role": entrant.role,
                "version": next(iter(last.values()))[entrant.name]["version"],
                "missing": {
                    machine: answers[entrant.name]["missing"]
                    for machine, answers in last.items()
                    if "missing" in answers[entrant.name]
                },
            }
            for entrant in entrants
        },
        "not_measured": list(not_measured),
        "events": {machine: len(events) for machine, events in EVENTS.items()},
        "surroundings": list(surroundings),
        "rounds": [
            {
                "machines": {
                    machine: {name: _figures(answer) for name, answer in answers.items() if "missing" not in answer}
                    for machine, answers in one["machines"].items()
                },
                "sizes": one["sizes"],
            }
            for one in rounds
        ],
    }


def check_agreement(machine: str, answers: Mapping[str, Answer]) -> None:
    """Hold every trace to that of the first, which is Foliot's.

    Raises:
        Failed: one differs.
    """
    first, *others = (name for name, answer in answers.items() if "missing" not in answer)
    expected = answers[first]["trace"]
    for name in (first, *others):
        for kind in ("trace", "resumed"):
            for place, (seen, wanted) in enumerate(zip_longest(answers[name][kind], expected)):
                if seen != wanted:
                    raise Failed(f"{machine}: after {place} events {name} is in {seen} ({kind}), {first} in {wanted}")


def _measure(entrants: Sequence[Entrant], machine: str, plan: EnginesPlan, say: Say) -> dict[str, Answer]:
    answers = {}
    for entrant in entrants:
        amount = ("--seconds", str(plan.seconds), "--alive", str(plan.alive))
        answer = answers[entrant.name] = _ask((*entrant.command, machine, *amount))
        built = answer["version"].rpartition(", ")[2]
        if entrant.role in {"subject", "plain"} and built != _BUILT[entrant.role]:
            raise Failed(f"{entrant.title} is {built} under {entrant.command[0]}, not {_BUILT[entrant.role]}")
        say(f"{machine}: {entrant.title}: {_describe(answer)}")
    check_agreement(machine, answers)
    return answers


_BUILT: Final = {"subject": "compiled", "plain": "plain Python"}


def _ask(command: Sequence[str]) -> Answer:
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "NODE_ENV": "production"},
            capture_output=True,
            text=True,
            timeout=_ANSWER_S_MAX,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise Failed(f"{' '.join(command[1:])} ended with {error.returncode}:\n{error.stderr[-2000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command[1:])} took longer than {_ANSWER_S_MAX:.0f} s") from error
    answer: Answer = json.loads(done.stdout)
    return answer


def _figures(answer: Answer) -> dict[str, float]:
    rates = {name: answer[name]["operations"] / answer[name]["cpu_seconds"] for name in OPERATIONS}
    return {**rates, "memory_bytes": answer["memory_bytes"], "saved_bytes": answer["saved_bytes"]}


def _describe(answer: Answer) -> str:
    if "missing" in answer:
        return f"left out, {answer['missing']}"
    figures = _figures(answer)
    rates = ", ".join(f"{name} {figures[name]:,.0f}/s" for name in OPERATIONS)
    return f"{rates}, {figures['memory_bytes']:,.0f} B in memory, {figures['saved_bytes']:,.0f} B saved"
