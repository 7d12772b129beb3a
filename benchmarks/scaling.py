"""Scaling: more and more ingesters and children of a worker on one machine, and what they wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from statistics import mean, median
from typing import Any, Final, TypeAlias, cast

from benchmarks.contenders import Batch, Setting, Subject
from benchmarks.contest import describe
from benchmarks.measure import Sample, Window, cpu_us_by_part, measure
from benchmarks.rig import Rig, SessionWatch, Sight, Switches, context_switches, watch_sessions

Say: TypeAlias = Callable[[str], None]

_NAME_BYTES: Final = 63
"""PostgreSQL cuts the names of applications to this."""
_LOCKS: Final = frozenset(("Lock", "LWLock"))
_STEPPER: Final = "foliot-step"
_CLOCK_AND_LOSSES: Final = """
SELECT clock_timestamp(), xact_rollback, deadlocks FROM pg_stat_database WHERE datname = current_database()"""
# Rows of one transaction have the same xmin.
_STEPS: Final = """
SELECT count(DISTINCT xmin::text), coalesce(sum(stepped), 0)::int8, coalesce(array_agg(DISTINCT writer), '{}')
FROM batches WHERE at > %s"""
_INTAKES: Final = """
SELECT count(DISTINCT xmin::text), coalesce(sum(accepted), 0)::int8, count(DISTINCT writer)
FROM intakes WHERE at > %s"""


@dataclass(frozen=True, slots=True)
class Crew:
    """How many processes share the work: ingesters, and the worker's children that serve all lanes."""

    ingesters: int
    children: int

    @property
    def title(self) -> str:
        """Say what it is."""
        return f"{_count(self.ingesters, 'ingester', 'ingesters')}, {_count(self.children, 'child', 'children')}"


@dataclass(frozen=True, slots=True)
class ScalingPlan:
    """How much, and how often."""

    rounds: int
    first: int
    """Events of each measurement that come before its window: by then all processes have begun, and are warm."""
    events: int
    instances: int


@dataclass(frozen=True, slots=True)
class Transactions:
    """What was committed within a window, by whom, and what was not."""

    steps: int
    stepped: int
    """Events of the step transactions."""
    stepping_children: int
    intakes: int
    accepted: int
    """Events of the intake transactions."""
    accepting_ingesters: int
    rolled_back: int
    """Transactions of any kind that were lost, as the server counts: it knows of one up to a second later."""
    deadlocks: int


@dataclass(frozen=True, slots=True)
class Waits:
    """What Foliot's sessions in the server were seen to do."""

    looks: int
    lock: float
    """Share of the looks in which one or more sessions waited for a lock of a row, a transaction or a table: 0 to 1."""
    lwlock: float
    """Share of the looks in which one or more waited for a lock within the server, as of its buffers or its log."""
    waiting: dict[str, float]
    """How many sessions waited for a lock on average: by part, and by the type and the name of the wait."""
    doing: dict[str, dict[str, float]]
    """How many sessions of each part did what on average: `client` is their program's turn, `idle` no transaction."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands beside the sample of a window."""

    waiting_before: int
    """Events that had been accepted and not applied when the window began: their intake is not in it."""
    transactions: Transactions
    waits: Waits
    switches: dict[str, Switches]
    """Context switches by process."""


def scale(rig: Rig, crews: Sequence[Crew], plan: ScalingPlan, say: Say) -> dict[str, Any]:
    """Measure each crew in turn, round after round.

    Each has a database, topics and a consumer group of its own on the same servers, and within a round all get the same
    events. The first is what the others are compared with, within each round.

    Raises:
        Failed: an ingester or a worker ended.
    """
    # By place: the same crew twice shows how far two measurements of the same thing are apart.
    subjects = [Subject(f"foliot_crew_{place}") for place in range(1, len(crews) + 1)]
    for subject in subjects:
        subject.prepare(rig)
    window, events = Window(0, 0, plan.first), plan.first + plan.events
    rounds: list[list[Sample]] = []
    beside: list[list[Seen]] = []
    for number in range(1, plan.rounds + 1):
        rounds.append([])
        beside.append([])
        load = ("--seed", str(number), "--events", str(events), "--instances", str(plan.instances))
        batch = Batch(events, load, rig.root / "unused")
        for crew, subject in zip(crews, subjects, strict=True):
            setting = Setting(crew.title, {"ingesters": crew.ingesters, "children": crew.children})
            watch = partial(_watch, rig, subject, beside[-1])
            rounds[-1].append(measure(rig, subject, setting, batch, window, beside=watch))
            waits = beside[-1][-1].waits
            locks = (
                f"waits for locks in {waits.lock:.0%}, within the server in {waits.lwlock:.0%} of {waits.looks} looks"
            )
            say(f"round {number}/{plan.rounds}: {describe(rounds[-1][-1])}; {locks}")
    return as_scaling(crews, plan, rounds, beside)


def as_scaling(
    crews: Sequence[Crew], plan: ScalingPlan, rounds: Sequence[Sequence[Sample]], beside: Sequence[Sequence[Seen]]
) -> dict[str, Any]:
    """Put all that was seen into one document: what follows for each crew, and every raw sample."""
    return {
        "plan": asdict(plan),
        "crews": [
            asdict(crew)
            | {"title": crew.title}
            | _rates([one[place] for one in rounds], [one[0] for one in rounds])
            | _beside([one[place] for one in rounds], [one[place] for one in beside])
            for place, crew in enumerate(crews)
        ],
        "rounds": [
            [asdict(sample) | asdict(seen) for sample, seen in zip(samples, all_seen, strict=True)]
            for samples, all_seen in zip(rounds, beside, strict=True)
        ],
    }


def as_waits(watch: SessionWatch, writers: Sequence[str]) -> Waits:
    """Sum up what was seen.

    Args:
        watch: the looks.
        writers: the children that have stepped; others, such as those for urgent lanes, are told apart from them.
    """
    looks = max(1, watch.looks)
    steppers = {f"{_STEPPER} {writer}"[:_NAME_BYTES] for writer in writers}
    waiting: Counter[str] = Counter()
    doing: dict[str, Counter[str]] = {}
    for sight, count in watch.sights.items():
        part = _part(sight.application, steppers)
        doing.setdefault(part, Counter())[_doing(sight)] += count
        if sight.wait_type in _LOCKS:
            waiting[f"{part}: {sight.wait_type} {sight.wait}"] += count
    return Waits(
        looks=watch.looks,
        lock=watch.share_with("Lock"),
        lwlock=watch.share_with("LWLock"),
        waiting={name: count / looks for name, count in waiting.most_common()},
        doing={part: {what: n / looks for what, n in sorted(counts.items())} for part, counts in sorted(doing.items())},
    )


def _part(application: str, steppers: set[str]) -> str:
    """Name the part that a session is of: all ingesters have the same names, each child has one of its own."""
    name = application.partition(" ")[0]
    if name == _STEPPER:
        return "step" if application in steppers else "step, nothing taken"
    return application.removeprefix("foliot-") if name == "foliot-ingest" else name.removeprefix("foliot-")


def _doing(sight: Sight) -> str:
    if sight.wait_type in _LOCKS:
        return "lock"
    if sight.state == "idle in transaction":
        return "client"
    if sight.state == "active":
        return sight.wait_type.lower() or "runs"
    return sight.state


@contextmanager
def _watch(rig: Rig, subject: Subject, into: list[Seen], tops: Mapping[str, int]) -> Iterator[None]:
    """Add to `into` what happens within the block."""
    database = rig.database(subject.name)
    waiting = subject.taken(rig) - subject.done(rig)
    since, lost, deadlocks = cast("tuple[object, int, int]", database.rows(_CLOCK_AND_LOSSES)[0])
    before = context_switches(tops, without=rig.watchers())
    # From the server's own database: what Foliot does is not counted there, and the looks are not counted here.
    with watch_sessions(rig.database("postgres"), subject.name) as watch:
        yield
    after = context_switches(tops, without=rig.watchers())
    steps, stepped, children = cast("tuple[int, int, list[str]]", database.rows(_STEPS, since)[0])
    intakes, accepted, ingesters = cast("tuple[int, int, int]", database.rows(_INTAKES, since)[0])
    _, lost_then, deadlocks_then = cast("tuple[object, int, int]", database.rows(_CLOCK_AND_LOSSES)[0])
    into.append(
        Seen(
            waiting_before=waiting,
            transactions=Transactions(
                steps=steps,
                stepped=stepped,
                stepping_children=len(children),
                intakes=intakes,
                accepted=accepted,
                accepting_ingesters=ingesters,
                rolled_back=lost_then - lost,
                deadlocks=deadlocks_then - deadlocks,
            ),
            waits=as_waits(watch, children),
            switches={
                name: Switches(now.voluntary - before[name].voluntary, now.forced - before[name].forced)
                for name, now in after.items()
            },
        )
    )


def _rates(samples: Sequence[Sample], firsts: Sequence[Sample]) -> dict[str, Any]:
    pairs = list(zip(samples, firsts, strict=True))
    return {
        "events_per_s": median(sample.events_per_s for sample in samples),
        "cpu_us_per_event": median(sample.cpu_us_per_event for sample in samples),
        "cpu_us_per_event_by_part": cpu_us_by_part(samples, _program),
        "cores": median(sample.cores for sample in samples),
        "against_the_first": {
            "events_per_s": median(sample.events_per_s / first.events_per_s for sample, first in pairs),
            "cpu": median(sample.cpu_us_per_event / first.cpu_us_per_event for sample, first in pairs),
        },
    }


def _beside(samples: Sequence[Sample], seen: Sequence[Seen]) -> dict[str, Any]:
    done = [one.transactions for one in seen]
    pairs = list(zip(samples, seen, strict=True))
    return {
        "lock": median(one.waits.lock for one in seen),
        "lwlock": median(one.waits.lwlock for one in seen),
        "waiting": _means([one.waits.waiting for one in seen]),
        "doing": {
            part: _means([one.waits.doing.get(part, {}) for one in seen])
            for part in sorted({part for one in seen for part in one.waits.doing})
        },
        "events_per_step": median(one.stepped / max(1, one.steps) for one in done),
        "events_per_intake": median(one.accepted / max(1, one.intakes) for one in done),
        "lost": median(one.rolled_back / max(1, one.rolled_back + one.steps + one.intakes) for one in done),
        "deadlocks": sum(one.deadlocks for one in done),
        "stepping_children": min(one.stepping_children for one in done),
        "accepting_ingesters": min(one.accepting_ingesters for one in done),
        "switches_per_event": {
            "voluntary": median(sum(s.voluntary for s in one.switches.values()) / of.events for of, one in pairs),
            "forced": median(sum(s.forced for s in one.switches.values()) / of.events for of, one in pairs),
        },
    }


def _means(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Form the mean of each figure over the rounds, the largest first; where it is missing it was 0."""
    means = {
        name: mean(one.get(name, 0.0) for one in rounds) for name in sorted({name for one in rounds for name in one})
    }
    return dict(sorted(means.items(), key=lambda item: -item[1]))


def _program(process: str) -> str:
    """Name the part that a process is of: `ingest-2` is of `ingest`."""
    return process.partition("-")[0]


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
