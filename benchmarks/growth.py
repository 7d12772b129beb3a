"""Growth: what an event costs beside few and many instances, and beside few and many remembered ids.

After a checkpoint PostgreSQL writes each page whole into its log as it changes for the first time. A window of some
seconds meets as many such pages as there are instances, while one checkpoint comes in minutes and millions of events.
So the rounds are far from a checkpoint, and one more right after one tells what those pages are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from benchmarks.contenders import Batch, Subject
from benchmarks.contest import describe
from benchmarks.measure import Sample, Window, measure
from benchmarks.rig import Rig

Say: TypeAlias = Callable[[str], None]

# Ids that grow with time, as UUIDv7 and ULID do, in all generations but the one that is kept empty for the next turn.
# A claim is the id and a hash (foliot/runtime/claims.py); another hash of the same size serves here.
_PRELOAD = """
INSERT INTO dedupe (generation, tenant, claim, payload_hash)
SELECT (ring.segment + 5 - i %% 4) %% 5, machine.tenant,
       convert_to(lpad(to_hex(i), 12, '0'), 'UTF8') || decode(md5(i::text), 'hex'), decode(md5('p' || i), 'hex')
FROM generate_series(%s::int8, %s::int8) i, rings ring, machines machine
WHERE ring.name = 'dedupe' AND machine.name = 'incident'
ORDER BY 1, 2, 3"""
PRELOAD_ROWS = 1_000_000
"""Ids that one statement puts there."""


@dataclass(frozen=True, slots=True)
class Population:
    """One subject: how many instances it has, and how many ids it remembers from before."""

    name: str
    instances: int
    remembered: int = 0

    @property
    def title(self) -> str:
        """Say what it is."""
        ids = f", {self.remembered:,} remembered ids" if self.remembered else ""
        return f"{self.instances:,} instances{ids}"


def grow(rig: Rig, populations: Sequence[Population], rounds: int, events: int, say: Say) -> dict[str, Any]:
    """Let each population be born through the whole path; then measure all of them in turn, round after round.

    Each has a database, topics and a consumer group of its own on the same servers. The first is what the others are
    compared with, within each round. The last round of all, after checkpoints, is compared with nothing.

    Raises:
        Failed: an ingester or a worker ended.
    """
    subjects = [Subject(population.name) for population in populations]
    for seed, (subject, population) in enumerate(zip(subjects, populations, strict=True), start=1):
        _populate(rig, subject, population, seed, say)
    seen: list[list[Sample]] = []
    for number in range(rounds + 1):
        seen.append([])
        after_checkpoint = number == rounds
        title = "after a checkpoint" if after_checkpoint else f"round {number + 1}/{rounds}"
        for seed, (subject, population) in enumerate(zip(subjects, populations, strict=True), start=1):
            load = ("--seed", str(seed), "--events", str(events), "--instances", str(population.instances))
            batch = Batch(events, (*load, "--born", "--skip", str(number * events)), rig.root / "unused")
            sample = measure(rig, subject, subject.settings[0], batch, Window(0, 0), checkpoint=after_checkpoint)
            seen[-1].append(sample)
            say(f"{title}: {population.title}: {describe(sample)}")
    first_changes = seen.pop()
    return {
        "populations": [asdict(population) for population in populations],
        "events": events,
        "rounds": [[asdict(sample) for sample in one] for one in seen],
        "after_a_checkpoint": [asdict(sample) for sample in first_changes],
        "against_the_first": {
            population.title: {
                "cpu": median(one[place].cpu_us_per_event / one[0].cpu_us_per_event for one in seen),
                "wal": median(one[place].wal_bytes_per_event / one[0].wal_bytes_per_event for one in seen),
            }
            for place, population in enumerate(populations)
        },
    }


def _populate(rig: Rig, subject: Subject, population: Population, seed: int, say: Say) -> None:
    subject.prepare(rig)
    database = rig.database(subject.name)
    for first in range(1, population.remembered + 1, PRELOAD_ROWS):
        last = min(first + PRELOAD_ROWS - 1, population.remembered)
        database.execute(_PRELOAD, first, last)
        say(f"{population.title}: {last:,} ids are there")
    database.execute("ANALYZE")
    load = ("--seed", str(seed), "--births", "--instances", str(population.instances))
    batch = Batch(population.instances, load, Path())
    sample = measure(rig, subject, subject.settings[0], batch, Window(0, 0), checkpoint=False)
    say(f"{population.title}: born at {sample.events_per_s:,.0f} events/s")
