"""Machines run by npm's xstate and by Foliot's engine: what the two do after each event, and why it may differ.

One process of node runs many machines. The package comes with `make xstate-package`, pinned by version and hash; where
it is not there, nothing is compared, and whoever asks is told so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from conformance.xstate.machines import random_machine, random_script

from foliot.definition import Definition
from foliot.engine import EngineError, Limits, compile  # noqa: A004 - the engine's own word
from foliot.languages.xstate import XstateReading, read_xstate
from foliot.testing import Session, Sessions

ROOT: Final = Path(__file__).parents[3]
PACKAGE: Final = Path(os.environ.get("FOLIOT_TEST_XSTATE") or ROOT / ".venv-node" / "node_modules" / "xstate")
RUNNER: Final = Path(__file__).with_name("run.cjs")
LIMITS: Final = Limits(microsteps_max=100)
EVENTS: Final = 15
_US_PER_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Trial:
    """One machine, what happens to it, and by which number both are drawn."""

    seed: int
    machine: dict[str, Any]
    script: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """What a machine was in after its start and after each event, up to an error."""

    steps: list[dict[str, Any]]
    error: str


def missing() -> str:
    """Say what is missing to run xstate; the empty text where nothing is."""
    if shutil.which("node") is None:
        return "there is no node"
    return "" if (PACKAGE / "package.json").exists() else f"npm's xstate is not at {PACKAGE}: make xstate-package"


def draw(seed: int) -> Trial:
    """Draw a machine and its events."""
    random = Random(seed)
    return Trial(seed, random_machine(random), random_script(random, EVENTS))


def run_xstate(trials: list[Trial]) -> list[Run]:
    """Run machines on xstate, all in one process of node."""
    lines = "".join(json.dumps({"machine": each.machine, "script": each.script}) + "\n" for each in trials)
    told = subprocess.run(
        ["node", str(RUNNER), str(PACKAGE)],  # noqa: S607 - whichever node there is
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return [Run(**json.loads(line)) for line in told.stdout.splitlines()]


def read(trial: Trial) -> XstateReading:
    """Read a machine as Foliot does."""
    return read_xstate(json.dumps(trial.machine), filename="m.xstate.json")


def told(reading: XstateReading) -> frozenset[str]:
    """Give what is told of a machine's behaviour in XState (D810), without the names of states."""
    shown = [each.what for each in reading.diagnostics if each.code == "D810" and "are not shown" not in each.what]
    return frozenset(re.sub(r"'[^']*'", "…", what) for what in shown)


def run_foliot(trial: Trial, definition: Definition) -> Run:
    """Run a machine on Foliot's engine."""
    sessions = Sessions()
    steps: list[dict[str, Any]] = []
    try:
        session = sessions.open(compile(definition, limits=LIMITS))
        sessions.run()
        steps.append(_seen(session))
        for each in trial.script:
            if "event" in each:
                sessions.send(session, each["event"], each["data"])
            sessions.wait(each.get("wait", 0) * _US_PER_MS)
            steps.append(_seen(session))
    except EngineError as error:
        return Run(steps, type(error).__name__)
    return Run(steps, "")


def _seen(session: Session) -> dict[str, Any]:
    state = session.state
    return {"configuration": list(state.configuration), "context": dict(state.context), "done": state.done}


def first_difference(theirs: Run, ours: Run) -> int | None:
    """Give the number of the step where two runs part; None where they do the same."""
    for number, (one, other) in enumerate(zip(theirs.steps, ours.steps, strict=False)):
        if one != other:
            return number
    if bool(theirs.error) != bool(ours.error) or len(theirs.steps) != len(ours.steps):
        return min(len(theirs.steps), len(ours.steps))
    return None


def batches(first: int, count: int, size: int) -> Iterator[list[Trial]]:
    """Draw machines, some at a time."""
    for begin in range(first, first + count, size):
        yield [draw(seed) for seed in range(begin, min(begin + size, first + count))]
