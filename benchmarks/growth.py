"""Growth: what an event costs beside few and many instances, and beside few and many remembered ids.

After a checkpoint PostgreSQL writes each page whole into its log as it changes for the first time. A window of some
seconds meets as many such pages as there are instances, while one checkpoint comes in minutes and millions of events.
So the rounds are far from a checkpoint, and one more right after one tells what those pages are.

A full topic is the hardest comparison: its batches are as large as they get, and beside few instances most of a
batch's events meet an instance that the batch has in its hands already. So an even load is measured too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

from benchmarks.contenders import Batch, Programs, Setting, Subject
from benchmarks.contest import describe
from benchmarks.measure import Sample, Window, measure
from benchmarks.rig import Rig, stop

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
_EVEN_SHARE: Final = 0.5
"""Of the rate at which the first population's full topic is emptied."""
_EVEN_WARM_S: Final = 10
_EVEN_S: Final = 30


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


class _Evenly(Subject):
    """Foliot while a producer, which is none of its parts, sends a batch at an even pace."""

    def fill(self, rig: Rig, setting: Setting, batch: Batch) -> None:
        """Leave the topic empty."""

    def start(self, rig: Rig, setting: Setting, batch: Batch) -> Programs:
        """Start the programs and the producer."""
        self._producing = rig.spawn(self.producer(rig, batch.load), f"{self.name}-evenly", {})
        return super().start(rig, setting, batch)

    def clear(self, rig: Rig) -> None:  # noqa: ARG002 - what it is given elsewhere
        """End the producer, if something broke off."""
        stop([self._producing])


def grow(rig: Rig, populations: Sequence[Population], rounds: int, events: int, say: Say) -> dict[str, Any]:
    """Let each population be born through the whole path; then measure all of them in turn, round after round.

    Each has a database, topics and a consumer group of its own on the same servers. The first is what the others are
    compared with, within each round: as they empty a full topic, then under an even load. The last round, right after
    checkpoints, is compared with nothing.

    Raises:
        Failed: an ingester or a worker ended.
    """
    subjects = [Subject(population.name) for population in populations]
    for seed, (subject, population) in enumerate(zip(subjects, populations, strict=True), start=1):
        _populate(rig, subject, population, seed, say)

    def empty(seed: int, skip: int, *, checkpoint: bool) -> Sample:
        subject, population = subjects[seed - 1], populations[seed - 1]
        load = ("--seed", str(seed), "--events", str(events), "--instances", str(population.instances))
        batch = Batch(events, (*load, "--born", "--skip", str(skip)), rig.root / "unused")
        return measure(rig, subject, subject.settings[0], batch, Window(0, 0), checkpoint=checkpoint)

    def in_turn(title: str, run: Callable[[int, Population], Sample]) -> list[Sample]:
        samples: list[Sample] = []
        for seed, population in enumerate(populations, start=1):
            samples.append(run(seed, population))
            say(f"{title}: {population.title}: {describe(samples[-1])}")
        return samples

    def emptied(number: int) -> list[Sample]:
        return in_turn(f"round {number + 1}/{rounds}", lambda seed, _: empty(seed, number * events, checkpoint=False))

    def evenly(number: int) -> list[Sample]:
        skip = rounds * events + number * per_second * (_EVEN_WARM_S + _EVEN_S)
        return in_turn(
            f"evenly, {number + 1}/{rounds}",
            lambda seed, population: _evenly(
                rig,
                _Evenly(population.name),
                ("--seed", str(seed), "--instances", str(population.instances)),
                per_second,
                skip,
            ),
        )

    seen = [emptied(number) for number in range(rounds)]
    per_second = int(_EVEN_SHARE * median(one[0].events_per_s for one in seen))
    even = [evenly(number) for number in range(rounds)]
    # Last, since what is measured after a checkpoint has pages in its log that are written whole.
    skip = rounds * (events + per_second * (_EVEN_WARM_S + _EVEN_S))
    first_changes = in_turn("after a checkpoint", lambda seed, _: empty(seed, skip, checkpoint=True))
    return {
        "populations": [asdict(population) for population in populations],
        "events": events,
        "rounds": [[asdict(sample) for sample in one] for one in seen],
        "after_a_checkpoint": [asdict(sample) for sample in first_changes],
        "against_the_first": _against_the_first(populations, seen),
        "evenly": {
            "per_second": per_second,
            "seconds": _EVEN_S,
            "rounds": [[asdict(sample) for sample in one] for one in even],
            "against_the_first": _against_the_first(populations, even),
        },
    }


def _evenly(rig: Rig, subject: _Evenly, load: tuple[str, ...], per_second: int, skip: int) -> Sample:
    warm, events = per_second * _EVEN_WARM_S, per_second * (_EVEN_WARM_S + _EVEN_S)
    pace = ("--events", str(events), "--born", "--skip", str(skip), "--per-second", str(per_second))
    batch = Batch(events, (*load, *pace), rig.root / "unused")
    return measure(rig, subject, subject.settings[0], batch, Window(0, 0, first=warm), checkpoint=False)


def _against_the_first(
    populations: Sequence[Population], rounds: Sequence[Sequence[Sample]]
) -> dict[str, dict[str, float]]:
    return {
        population.title: {
            "cpu": median(one[place].cpu_us_per_event / one[0].cpu_us_per_event for one in rounds),
            "wal": median(one[place].wal_bytes_per_event / one[0].wal_bytes_per_event for one in rounds),
        }
        for place, population in enumerate(populations)
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
