"""Compares machines on npm's xstate and on Foliot's engine, and writes what was found: `make xstate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from conformance.xstate.comparing import (
    EVENTS,
    Trial,
    batches,
    first_difference,
    missing,
    read,
    run_foliot,
    run_xstate,
    told,
)

_BATCH = 250
_SHOWN = 3


@dataclass
class Tally:
    """What was found so far. `told` counts, by what is told of a machine, those that have it and those that differ."""

    machines: int = 0
    untold: int = 0
    steps: int = 0
    loops: int = 0
    told: Counter[str] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)
    different: int = 0
    unexplained: list[str] = field(default_factory=list)

    def add(self, trials: list[Trial]) -> None:
        """Compare some machines."""
        for trial, theirs in zip(trials, run_xstate(trials), strict=True):
            reading = read(trial)
            ours = run_foliot(trial, reading.definition)
            kinds = told(reading)
            self.machines += 1
            self.steps += len(theirs.steps)
            self.untold += not kinds
            self.loops += bool(theirs.error)
            self.told.update(kinds)
            number = first_difference(theirs, ours)
            if number is None:
                continue
            self.different += 1
            self.differing.update(kinds)
            if not kinds:
                seen = [
                    json.dumps(run.steps[number]) if number < len(run.steps) else run.error for run in (theirs, ours)
                ]
                self.unexplained.append(f"machine {trial.seed}, step {number}: xstate {seen[0]}, Foliot {seen[1]}")


def page(tally: Tally) -> str:
    """Write the report."""
    rows = [f"| {what} | {count} | {tally.differing[what]} |" for what, count in sorted(tally.told.items())]
    return "\n".join(
        [
            "# Machines on npm's xstate and on Foliot's engine",
            "Written by `make xstate`. Machines and events are drawn by number; after the start and after each of",
            f"{EVENTS} events (or times that pass) the active states, the context, which notes every step of a machine",
            "in its order, and whether it is over are compared. xstate is 5.33.3.",
            "",
            "| | |",
            "|---|---|",
            f"| machines | {tally.machines:,} |",
            f"| steps compared | {tally.steps:,} |",
            f"| machines that never rest, on both sides or told of | {tally.loops:,} |",
            f"| machines of which `foliot check` tells no difference | {tally.untold:,} |",
            f"| of these, machines that did something else | {len(tally.unexplained):,} |",
            f"| machines of which it tells one | {tally.machines - tally.untold:,} |",
            f"| of these, machines that did something else | {tally.different - len(tally.unexplained):,} |",
            "",
            "What `foliot check` tells (D810); a machine may have several, and",
            "[Other ways to write a machine](../../languages.md#xstate) says more of each.",
            "",
            "| told | machines | of these, did something else |",
            "|---|---|---|",
            *rows,
            "",
            *(
                ["Differences that nothing explains:", "", *(f"- {each}" for each in tally.unexplained), ""]
                if tally.unexplained
                else []
            ),
        ]
    )


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Compare, show how far it is, and fail where something differs that nothing explains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=5_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first machine")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if why := missing():
        say(f"NOTHING WAS COMPARED: {why}")
        return 1
    tally = Tally()
    for trials in batches(options.first, options.machines, _BATCH):
        tally.add(trials)
        say(f"{tally.machines:,} machines, {tally.different} differ, {len(tally.unexplained)} unexplained")
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
        (options.report / "README.md").write_text(page(tally), "utf-8")
    say("\n".join(tally.unexplained[:_SHOWN]))
    return 1 if tally.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
