"""Switch each defence off, one at a time: the checker must turn red; with the defence on, the same scenario is green.

Exit: 0 when every mutant was caught and every control run was green, else 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from acceptance.mutants.scenarios import SCENARIOS, Scenario
from acceptance.rig.evidence import check, findings, lane_ends, waiting, write_outputs
from acceptance.rig.world import open_world

from foliot.settings import Defence

_DRAIN_S_MAX: Final = {True: 90.0, False: 20.0}
"""By whether the defence is on: a mutant that never comes to rest is told so soon."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one scenario, once with the defence (`control`) and once without it."""

    defence: Defence
    scenario: str
    control: dict[str, int]
    control_s: float
    mutant: dict[str, int]
    mutant_s: float

    @property
    def is_good(self) -> bool:
        """Tell whether the defence was needed, and enough."""
        return bool(self.mutant) and not self.control


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--only", default="", help="these defences alone, parted by commas")
    parser.add_argument("--report", type=Path, help="where to write the report, without a suffix")
    options = parser.parse_args(arguments)
    wanted = frozenset(options.only.split(",")) if options.only else {scenario.defence for scenario in SCENARIOS}
    outcomes = []
    for scenario in SCENARIOS:
        if scenario.defence in wanted:
            outcomes.append(_try(scenario))
            _say(_row(outcomes[-1]))
    if options.report is not None:
        _write_report(options.report, outcomes)
    good = sum(outcome.is_good for outcome in outcomes)
    _say(f"{good} of {len(outcomes)} mutants caught, with a green control run each; load {os.getloadavg()[0]:.1f}")
    return 0 if outcomes and good == len(outcomes) else 1


def _try(scenario: Scenario) -> Outcome:
    control, control_s = _run(scenario, defended=True)
    mutant, mutant_s = _run(scenario, defended=False)
    return Outcome(scenario.defence, scenario.what, control, control_s, mutant, mutant_s)


def _run(scenario: Scenario, *, defended: bool) -> tuple[dict[str, int], float]:
    """Play a scenario; give the red findings by invariant, and the seconds from the first program to the verdict."""
    switches = {"testing": 1, "broker_url": "", "poll_ms": 50, "session_timeout_ms": 6000}
    settings = {**switches, **scenario.settings, "defences_off": "" if defended else scenario.defence}
    with open_world(kafka=scenario.kafka, shards=scenario.shards, **settings) as world:
        began = time.monotonic()
        scenario.play(world)
        ends = lane_ends(world)
        world.wait(lambda: not any(waiting(world, ends=ends).values()), seconds_max=_DRAIN_S_MAX[defended])
        world.end_programs()
        write_outputs(world)
        verdict = check(world)
    found = findings(verdict) | dict.fromkeys(verdict["invalid"], 1)
    return found, round(time.monotonic() - began, 1)


def _row(outcome: Outcome) -> str:
    caught = ", ".join(f"{name} ({count})" for name, count in outcome.mutant.items()) or "**not caught**"
    control = ", ".join(outcome.control) or "green"
    return (
        f"| {outcome.defence} | {outcome.scenario} | {caught} | {outcome.mutant_s} | {control} | {outcome.control_s} |"
    )


def _write_report(path: Path, outcomes: Sequence[Outcome]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {"outcomes": [asdict(outcome) for outcome in outcomes], "load": os.getloadavg(), "cores": os.cpu_count()}
    path.with_suffix(".json").write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    lines = [
        "# Defence mutants",
        "",
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.",
        "",
        "| defence off | scenario | red invariants (findings) | s | with the defence | s |",
        "|---|---|---|---|---|---|",
        *map(_row, outcomes),
    ]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
