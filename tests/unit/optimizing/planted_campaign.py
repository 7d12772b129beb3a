"""Redundancy planted in random machines: it is found, and what is left does the same. `make optimizer`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import orjson
from unit.engine.random_machines import random_definition
from unit.optimizing.planting import PLANTERS, plant

from foliot.engine import Limits
from foliot.optimizing import prove, rewrite

WANTED_PERCENT = 95
STEPS_MAX = 200
RUNS = 5
# Many random machines loop; they are stopped soon, so that most of the time is not spent on that.
LIMITS = Limits(microsteps_max=30)


@dataclass
class Result:
    """What came of all machines."""

    machines: int = 0
    different: list[int] = field(default_factory=list)
    searched_whole: int = 0
    pairs: int = 0
    steps: int = 0
    runs: int = 0
    run_steps: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    not_found: list[str] = field(default_factory=list)

    @property
    def percent(self) -> float:
        return 100 * self.found.total() / max(1, self.planted.total())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="the first machine's")
    parser.add_argument("--report", type=Path, help="where to write the report, without a suffix")
    options = parser.parse_args()
    began = time.monotonic()
    result = campaign(options.machines, options.seed)
    took_s = round(time.monotonic() - began)
    print(f"{result.machines} machines, {len(result.different)} not the same, {result.percent:.1f} % found")  # noqa: T201
    if options.report is not None:
        told = {**vars(result), "percent": round(result.percent, 2), "first_seed": options.seed, "took_s": took_s}
        options.report.with_suffix(".json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
        options.report.with_suffix(".md").write_text("\n".join(page(result, took_s)) + "\n", "utf-8")
    return int(bool(result.different) or result.percent < WANTED_PERCENT)


def campaign(machines: int, first_seed: int) -> Result:
    result = Result()
    seed = first_seed
    while result.machines < machines:
        add(result, seed)
        seed += 1
        if result.machines % 20 == 0:
            print(f"{result.machines} of {machines}, {result.percent:.1f} % found", file=sys.stderr)  # noqa: T201
    return result


def add(result: Result, seed: int) -> None:
    """Plant in the machine of a seed and optimize it; one that does not get beyond its birth is left out."""
    random = Random(seed)
    definition, planted = plant(random, random_definition(random), random.randint(1, 3))
    if not planted:
        return
    optimized = rewrite(definition)
    proof = prove(definition, optimized, random.randrange, steps_max=STEPS_MAX, runs=RUNS, limits=LIMITS)
    if not proof.pairs:
        return
    result.machines += 1
    result.different += [seed] if proof.difference else []
    result.searched_whole += proof.complete
    result.pairs += proof.pairs
    result.steps += proof.steps
    result.runs += proof.runs
    result.run_steps += proof.run_steps
    result.removed.update(each.kind for each in optimized.removals)
    result.planted.update(each.kind for each in planted)
    result.found.update(each.kind for each in planted if each.is_found(optimized))
    result.not_found += [f"seed {seed}: {each}" for each in planted if not each.is_found(optimized)]


def page(result: Result, took_s: int) -> Iterator[str]:
    yield "# The optimizer on random machines with planted redundancy"
    yield ""
    yield "Written by `make optimizer`: up to three pieces of redundancy are planted in each of many random machines"
    yield "(parallel states, history, timers, guards and actions that fail), the machine is optimized, and the result"
    yield f"is compared with it: at most {STEPS_MAX} moves of the search through pairs of instances, and {RUNS} random"
    yield "runs each. `foliot optimize` itself takes 20,000 moves and 10,000 runs a machine. It is planted where it is"
    yield "redundant for certain: where no name of a state shows and no guard can fail."
    yield ""
    yield f"{result.machines} machines in {took_s} s: {len(result.different)} not the same;"
    yield f"{result.pairs:,} pairs and {result.steps:,} moves searched, {result.searched_whole} machines as a whole;"
    yield f"{result.runs:,} random runs of {result.run_steps:,} moves."
    yield f"Of {result.planted.total()} planted pieces {result.found.total()} were found, {result.percent:.1f} %."
    yield from ("", "| planted | pieces | found |", "|---|---|---|")
    yield from (f"| {kind} | {result.planted[kind]} | {result.found[kind]} |" for kind in PLANTERS)
    yield from ("", "What was removed in all, since random machines are redundant by themselves, too:", "")
    yield from ("| removed as | count |", "|---|---|")
    yield from (f"| {kind} | {count} |" for kind, count in sorted(result.removed.items()))
    yield from ("", "What was not found:", "", *(f"- `{each}`" for each in result.not_found))


if __name__ == "__main__":
    sys.exit(main())
