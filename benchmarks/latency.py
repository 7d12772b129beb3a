"""Latency: on a quiet system, of the critical lane beside a backlog of the low one, and of the HTTP API beside others.

Beside the API workers and ingesters empty a full topic, which takes all that the machine has, or get a steady load.

Times run from the moment at which the producer made the event to the commit of its step, on one clock; over HTTP, from
the moment at which the request was due to its answer, which comes after the commit that takes the event in.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias
from urllib.request import urlopen

from benchmarks.contenders import Batch, Programs, Subject
from benchmarks.measure import Failed
from benchmarks.rig import MachineClock, Rig, stop
from foliot.local.free_ports import free_port

Say: TypeAlias = Callable[[str], None]

_SECONDS_MAX: Final = 600.0
_QUIET_PER_S: Final = 10.0
_FIRST: Final = 4
"""Events by which it is seen that all parts have started."""
_FIRST_REQUESTS: Final = 100
"""Requests by which the API opens its connections and learns of callers and machines."""
_FIRST_SEED: Final = 1_000_000
_TIMES: Final = """
SELECT 1000 * extract(epoch FROM pg_xact_commit_timestamp(xmin) - time::timestamptz)::float8 AS ms
FROM journal WHERE kind = 0 AND source = %s ORDER BY ms"""


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """How much of what."""

    rounds: int
    quiet_events: int
    backlog: int
    critical_events: int
    critical_per_s: float
    requests: int
    requests_per_s: float
    bulk: int
    steady_per_s: float


@dataclass(frozen=True, slots=True)
class Times:
    """What was seen, in milliseconds, and how the machine was."""

    events: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    beside_at_end: int
    """Events of the backlog or load that still waited, or were to come, when the last one was sent; 0 where there is
    none of them."""
    load: float
    stolen: float
    """Share of the machine's time that its hypervisor gave to others: 0 to 1."""


def look_at_latency(rig: Rig, plan: LatencyPlan, say: Say) -> dict[str, Any]:
    """Measure all four in turn, round after round.

    Raises:
        Failed: an event did not come through, or a request was refused.
    """
    subject = Subject("foliot_latency")
    subject.prepare(rig)
    seed = 0
    kinds = {"quiet": _quiet, "critical": _critical, "http": _http, "http_steady": _http_steady}
    seen: dict[str, list[Times]] = {name: [] for name in kinds}
    for number in range(plan.rounds):
        for name, measure in kinds.items():
            seed += 2
            seen[name].append(measure(rig, subject, plan, seed))
            say(f"round {number + 1}/{plan.rounds}: {name}: {seen[name][-1]}")
            rig.database(subject.name).execute("VACUUM (ANALYZE)")
    return {
        "plan": asdict(plan),
        "rounds": {name: [asdict(times) for times in each] for name, each in seen.items()},
        "best": {name: asdict(min(each, key=lambda times: times.p99_ms)) for name, each in seen.items()},
        "median_p99_ms": {name: median(times.p99_ms for times in each) for name, each in seen.items()},
    }


def _quiet(rig: Rig, subject: Subject, plan: LatencyPlan, seed: int) -> Times:
    programs = _start(rig, subject)
    try:
        _warm(rig, subject, seed)
        return _lane(rig, subject, seed, plan.quiet_events, per_s=_QUIET_PER_S)
    finally:
        stop(programs.values())


def _critical(rig: Rig, subject: Subject, plan: LatencyPlan, seed: int) -> Times:
    rig.run(_load(rig, subject, "low", seed + 1, plan.backlog), "latency-backlog", {})
    taken = subject.taken(rig)
    programs = _start(rig, subject)
    try:
        _wait(lambda: subject.taken(rig) > taken)
        _warm(rig, subject, seed)
        times = _lane(rig, subject, seed, plan.critical_events, per_s=plan.critical_per_s)
        _wait(lambda: subject.done(rig) >= taken + plan.backlog + plan.critical_events + _FIRST)
    finally:
        stop(programs.values())
    return times


def _http(rig: Rig, subject: Subject, plan: LatencyPlan, seed: int) -> Times:
    rig.run(_load(rig, subject, "normal", seed + 1, plan.bulk), "latency-bulk", {})
    return _requests(rig, subject, plan, seed, plan.bulk)


def _http_steady(rig: Rig, subject: Subject, plan: LatencyPlan, seed: int) -> Times:
    # As long as the requests take, and half as long again for what comes before them.
    events = int(1.5 * plan.steady_per_s * plan.requests / plan.requests_per_s)
    load = _load(rig, subject, "normal", seed + 1, events)
    producer = rig.spawn((*load, "--per-second", str(plan.steady_per_s)), "latency-steady", {})
    try:
        return _requests(rig, subject, plan, seed, events)
    finally:
        stop([producer])


def _requests(rig: Rig, subject: Subject, plan: LatencyPlan, seed: int, events: int) -> Times:
    """Post while `events` of another lane come or wait, none of which is taken yet."""
    taken = subject.taken(rig)
    programs = _start(rig, subject)
    try:
        _wait(lambda: subject.taken(rig) > taken)
        port = free_port()
        changes = {"FOLIOT_API_PORT": str(port), "FOLIOT_API_ANONYMOUS_TENANT": "default"}
        environment = subject.environment(rig) | changes
        programs["api"] = rig.spawn((sys.executable, "-m", "foliot.cli", "api"), "latency-api", environment)
        _wait(lambda: _is_ready(port))
        _post(rig, port, _FIRST_SEED + seed, _FIRST_REQUESTS, plan.requests_per_s)
        before = MachineClock.read()
        milliseconds = _post(rig, port, seed, plan.requests, plan.requests_per_s)
        wanted = taken + events + _FIRST_REQUESTS + plan.requests
        after, waiting = MachineClock.read(), wanted - subject.done(rig)
        _wait(lambda: subject.done(rig) >= wanted)
    finally:
        stop(programs.values())
    return _times(milliseconds, waiting, before, after)


def _post(rig: Rig, port: int, seed: int, events: int, per_s: float) -> Sequence[float]:
    """Post events at an even pace; give the milliseconds that each took, sorted.

    Raises:
        Failed: one was refused.
    """
    argv = ("-m", "benchmarks.load.posting", "--address", f"127.0.0.1:{port}", "--seed", str(seed))
    log = f"latency-posting-{seed}"
    rig.run((sys.executable, *argv, "--events", str(events), "--per-second", str(per_s)), log, {})
    said = json.loads(rig.log(log).read_text())
    if said["statuses"] != {"202": events}:
        raise Failed(f"requests were answered with {said['statuses']}")
    return tuple(said["milliseconds"])


def _warm(rig: Rig, subject: Subject, seed: int) -> None:
    """Send a few events to the critical lane: what comes then finds all parts in their group and awake."""
    database, source = rig.database(subject.name), f"bench/{_FIRST_SEED + seed}"
    rig.run(_load(rig, subject, "critical", _FIRST_SEED + seed, _FIRST), "latency-load", {})
    _wait(lambda: len(database.rows(_TIMES, source)) >= _FIRST)


def _lane(rig: Rig, subject: Subject, seed: int, events: int, *, per_s: float) -> Times:
    """Send events to the critical lane at an even pace, and look when their steps were committed."""
    database, source = rig.database(subject.name), f"bench/{seed}"
    before = MachineClock.read()
    load = _load(rig, subject, "critical", seed, events)
    rig.run((*load, "--per-second", str(per_s), "--stamp"), "latency-load", {})
    after, waiting = MachineClock.read(), subject.taken(rig) - subject.done(rig)
    _wait(lambda: len(database.rows(_TIMES, source)) >= events)
    return _times([float(str(row[0])) for row in database.rows(_TIMES, source)], waiting, before, after)


def _times(milliseconds: Sequence[float], waiting: int, before: MachineClock, after: MachineClock) -> Times:
    return Times(
        events=len(milliseconds),
        p50_ms=median(milliseconds),
        p99_ms=milliseconds[int(len(milliseconds) * 0.99)],
        max_ms=milliseconds[-1],
        beside_at_end=waiting,
        load=after.load,
        stolen=after.stolen_since(before),
    )


def _start(rig: Rig, subject: Subject) -> Programs:
    return subject.start(rig, subject.settings[0], Batch(0, (), Path()))


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz/ready", timeout=5.0) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _load(rig: Rig, subject: Subject, lane: str, seed: int, events: int) -> tuple[str, ...]:
    amount = ("--seed", str(seed), "--events", str(events), "--instances", "500")
    to = ("--kafka", rig.kafka.address, "--topic", f"{subject.name}.events.{lane}")
    return (sys.executable, "-m", "benchmarks.load", *amount, *to)


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS_MAX
    while not is_so():
        if time.monotonic() > deadline:
            raise Failed(f"what was sent did not come through within {_SECONDS_MAX:g} s")
        time.sleep(0.05)
