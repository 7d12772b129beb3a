"""A soak: an even load for a long time, looked at every minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import psutil

from benchmarks.contenders import Batch, Programs, Subject
from benchmarks.measure import Failed, Window, measure
from benchmarks.rig import Rig, cpu_seconds, stop

Say: TypeAlias = Callable[[str], None]

# The newest steps of each shard: from the commit that took the event in to the one that applied it.
_LATENCY: Final = """
SELECT percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY 1000 * extract(epoch FROM
           pg_xact_commit_timestamp(newest.written) - pg_xact_commit_timestamp(inbox.xmin))::float8)
FROM cursors CROSS JOIN LATERAL (
    SELECT j.xmin AS written, j.queue, j.number FROM journal j
    WHERE j.shard = cursors.shard AND j.number IS NOT NULL ORDER BY j.n DESC LIMIT 30) newest
JOIN inbox ON inbox.shard = cursors.shard AND inbox.queue = newest.queue AND inbox.number = newest.number"""
_EVERYTHING: Final = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""

_FULL: Final = 150_000
"""Events of the topic whose emptying tells the top rate."""


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """How much, and for how long."""

    per_second: float | None
    """None: half of the rate at which the same installation empties a topic right before."""
    seconds: float
    instances: int
    every_s: float
    relay: bool
    """Whether the relay runs, too: without one, what the machine sends is kept until somebody takes it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at the end of one interval."""

    at_s: float
    applied: int
    behind: int
    """Events due by now that are not accepted yet: the producer's, the broker's or the ingester's delay."""
    waiting: int
    cpu_us_per_event: float
    applied_p50_ms: float
    applied_p99_ms: float
    journal_bytes: int
    instances_bytes: int
    ring_bytes: int
    other_bytes: int
    """Of all other tables: what must not grow."""
    memory_bytes: dict[str, int]
    """Memory of each program and all below it, pages that several share divided among them."""
    largest_process_bytes: dict[str, int]
    """Memory of the largest single process of each program, counted alike."""


@dataclass(frozen=True, slots=True)
class _Moment:
    at_s: float
    due: int
    cpu_us_per_event: float


def soak(rig: Rig, plan: SoakPlan, say: Say) -> dict[str, Any]:
    """Send an even load to a running Foliot and look at it every interval.

    Raises:
        Failed: a program ended.
    """
    subject = Subject(relay=plan.relay)
    subject.prepare(rig)
    one = ("--seed", "1", "--instances", str(plan.instances))
    births = measure(rig, subject, subject.settings[0], Batch(plan.instances, (*one, "--births"), Path()), Window(0, 0))
    say(f"{plan.instances:,} instances born at {births.events_per_s:,.0f} events/s")
    top = measure(
        rig, subject, subject.settings[0], Batch(_FULL, (*one, "--born", "--events", str(_FULL)), Path()), Window(0, 0)
    )
    say(f"a full topic is emptied at {top.events_per_s:,.0f} events/s and {top.cpu_us_per_event:,.0f} µs an event")
    per_second = plan.per_second or top.events_per_s / 2
    amount = ("--events", str(int(per_second * plan.seconds)), "--per-second", str(per_second))
    load = (*one, "--born", "--skip", str(_FULL), *amount)
    programs = subject.start(rig, subject.settings[0], Batch(0, load, Path()))
    producer = rig.spawn(subject.producer(rig, load), "producer", {})
    looks: list[Look] = []
    began, first = time.monotonic(), subject.done(rig)
    cpu = _cpu(rig, subject, programs)
    try:
        while time.monotonic() - began < plan.seconds:
            time.sleep(max(0.0, began + plan.every_s * (len(looks) + 1) - time.monotonic()))
            ended = [name for name, process in programs.items() if process.poll() is not None]
            if ended:
                raise Failed(f"{', '.join(ended)} ended:\n" + "\n".join(rig.tail(f"foliot-{name}") for name in ended))
            if producer.poll():
                raise Failed(f"the producer failed:\n{rig.tail('producer')}")
            before, cpu = cpu, _cpu(rig, subject, programs)
            at = time.monotonic() - began
            due = first + int(min(at, plan.seconds) * per_second)
            events = subject.done(rig) - (looks[-1].applied if looks else first)
            now = _Moment(at, due, (cpu - before) / max(1, events) * 1e6)
            looks.append(_look(rig, subject, programs, now))
            say(str(looks[-1]))
    finally:
        stop([producer, *programs.values()])
    return {
        "plan": asdict(plan) | {"per_second": per_second},
        "top": {"events_per_s": top.events_per_s, "cpu_us_per_event": top.cpu_us_per_event},
        "applied_before": first,
        "looks": [asdict(look) for look in looks],
    }


def _cpu(rig: Rig, subject: Subject, programs: Programs) -> float:
    tops = rig.server_pids(subject.servers) | {name: process.pid for name, process in programs.items()}
    return sum(cpu_seconds(tops, without=rig.watchers()).values())


def _look(rig: Rig, subject: Subject, programs: Programs, now: _Moment) -> Look:
    database = rig.database(subject.name)
    applied, taken = subject.done(rig), subject.taken(rig)
    row = database.rows(_LATENCY)[0][0]
    p50, p99 = row if isinstance(row, list) else (0.0, 0.0)
    memory = {name: _memory(process.pid) for name, process in programs.items()}
    journal, present, ring = (database.weigh(names) for names in (subject.journals, subject.presents, subject.ring))
    return Look(
        at_s=now.at_s,
        applied=applied,
        behind=now.due - taken,
        waiting=taken - applied,
        cpu_us_per_event=now.cpu_us_per_event,
        applied_p50_ms=p50,
        applied_p99_ms=p99,
        journal_bytes=journal,
        instances_bytes=present,
        ring_bytes=ring,
        other_bytes=database.number(_EVERYTHING) - journal - present - ring,
        memory_bytes={name: sum(each) for name, each in memory.items()},
        largest_process_bytes={name: max(each) for name, each in memory.items()},
    )


def _memory(pid: int) -> list[int]:
    top = psutil.Process(pid)
    return [process.memory_full_info().pss for process in (top, *top.children(recursive=True))]
