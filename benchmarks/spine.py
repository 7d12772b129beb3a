"""First figures of the spine: rate and CPU by process, latency, bytes; printed, and written as JSON and Markdown.

    python -m benchmarks.spine [--records 40000] [--rounds 3] [--report docs/reports/spine]

Everything runs on this machine: Apache Kafka, PostgreSQL (fsync on), Valkey, one ingester and one worker. Rounds with
the Celery broker on and off are interleaved, and only their ratio says something about it: machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaProducer

from benchmarks.contenders import Subject
from benchmarks.rig import Rig, cpu_seconds, rig, stop
from foliot.local.demo import incidents

FOLIOT = (sys.executable, "-m", "foliot.cli")
WAIT_SECONDS_MAX = 300.0


@dataclass
class Parts:
    """The servers of one run, and the environment that Foliot's programs get."""

    rig: Rig
    environment: dict[str, str]

    def foliot(self, *arguments: str, **changes: str) -> subprocess.Popen[bytes]:
        """Start a program of Foliot; its log goes to the run's folder."""
        return self.rig.spawn([*FOLIOT, *arguments], arguments[0], {**self.environment, **changes})

    def ask(self, query: str) -> Any:
        """Ask the database for one row."""
        with psycopg.connect(self.environment["FOLIOT_DSN_OWNER"], autocommit=True) as connection:
            return connection.execute(query).fetchone()


@contextmanager
def parts() -> Iterator[Parts]:
    """Start the servers, migrate, make topics and publish; stop and remove everything at the end."""
    with rig() as made:
        subject = Subject()
        subject.prepare(made)
        yield Parts(made, subject.environment(made))


@contextmanager
def programs(made: Parts, *names: str, **changes: str) -> Iterator[dict[str, int]]:
    """Run programs of Foliot; they are told to stop at the end."""
    running = {name: made.foliot(name, **changes) for name in names}
    try:
        yield {name: process.pid for name, process in running.items()}
    finally:
        stop(running.values(), grace_s=30.0)


def fill(made: Parts, seed: int, records: int) -> None:
    """Put records on the lane topics."""
    producer = KafkaProducer(bootstrap_servers=made.rig.kafka.address, acks="all", linger_ms=20, batch_size=262_144)
    for planned in incidents(seed, records):
        # Another source each round, or the dedupe would drop them all.
        value = planned.value.replace(b"demo/incident-desk", b"bench/%d" % seed).replace(b'"INC-', b'"R%d-' % seed)
        key = planned.kafka_key.replace("INC-", f"R{seed}-")
        producer.send(planned.topic, key=key.encode(), value=value, headers=list(planned.headers))
    producer.flush()
    producer.close()


PROGRESS = """
SELECT sum((SELECT sum(x) FROM unnest(h.numbers) x))::int8, sum((SELECT sum(x) FROM unnest(c.numbers) x))::int8
FROM heads h JOIN cursors c USING (shard)"""


def drain(made: Parts, before: int, wanted: int) -> float:
    """Wait until `wanted` more events were stepped; give the seconds from the first accepted."""
    accepted_at = 0.0
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    with psycopg.connect(made.environment["FOLIOT_DSN_OWNER"], autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(PROGRESS).fetchone() or (0, 0)
            now = time.monotonic()
            accepted_at = accepted_at or (now if row[0] > before else 0.0)
            if row[1] >= before + wanted and row[0] == row[1]:
                return now - accepted_at
            time.sleep(0.02)
    raise SystemExit(f"not drained within {WAIT_SECONDS_MAX} s: {row}")


def throughput(made: Parts, seed: int, records: int, *, broker: bool) -> dict[str, Any]:
    """From a filled topic to committed: rate, CPU per event by process, WAL and bytes kept per event."""
    fill(made, seed, records)
    before = int(made.ask(PROGRESS)[0] or 0)
    changes = {} if broker else {"FOLIOT_BROKER_URL": ""}
    wanted = int(records * 0.98)
    wal_before, kept_before = made.ask("SELECT pg_current_wal_lsn()")[0], _kept(made)
    with programs(made, "worker", "ingest", **changes) as running:
        _wait_for_first(made, before)
        tops = made.rig.server_pids(("postgres", "kafka", "valkey")) | running
        cpu_before = cpu_seconds(tops)
        seconds = drain(made, before, wanted)
        cpu_after = cpu_seconds(tops)
    stepped = int(made.ask(PROGRESS)[1]) - before
    wal = int(made.ask(f"SELECT pg_current_wal_lsn() - '{wal_before}'::pg_lsn")[0])
    cpu = {name: (cpu_after[name] - cpu_before[name]) / stepped * 1e6 for name in cpu_after}
    return {
        "broker": broker,
        "events": stepped,
        "events_per_s": stepped / seconds,
        "cpu_us_per_event": cpu | {"all": sum(cpu.values())},
        "wal_bytes_per_event": wal / stepped,
        "kept_bytes_per_event": (_kept(made) - kept_before) / stepped,
        "load": os.getloadavg()[0],
    }


def _kept(made: Parts) -> int:
    return int(made.ask("SELECT pg_total_relation_size('journal') + pg_total_relation_size('instances')")[0])


def _wait_for_first(made: Parts, before: int) -> None:
    """Let processes start and import before their CPU is counted: until the first event is accepted."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while int(made.ask(PROGRESS)[0] or 0) <= before:
        if time.monotonic() > deadline:
            raise SystemExit("nothing was accepted")
        time.sleep(0.01)


def latency(made: Parts, events: int) -> dict[str, Any]:
    """One event at a time on a quiet system whose pollers sleep for a minute: milliseconds from send to commit."""
    producer = KafkaProducer(bootstrap_servers=made.rig.kafka.address, acks="all", linger_ms=0)
    sent: dict[str, float] = {}
    with programs(made, "worker", "ingest", FOLIOT_POLL_MS="60000"):
        for number in range(events + 20):
            id_ = f"quiet-{time.time_ns()}"
            document = {
                "specversion": "1.0",
                "id": id_,
                "source": "bench",
                "type": "reported",
                "subject": f"quiet-{number}",
                "foliotmachine": "incident",
                "data": {"severity": 3},
            }
            if number >= 20:
                sent[id_] = time.time()
            headers = [("content-type", b"application/cloudevents+json")]
            producer.send("foliot.events.high", key=None, value=json.dumps(document).encode(), headers=headers)
            producer.flush()
            # The first ones wait for the programs to start and the group to be joined.
            time.sleep(1.0 if number < 20 else 0.1)
        time.sleep(3.0)
    producer.close()
    with psycopg.connect(made.environment["FOLIOT_DSN_OWNER"], autocommit=True) as connection:
        rows = connection.execute(
            "SELECT j.event_id, extract(epoch FROM pg_xact_commit_timestamp(i.xmin))::float8,"
            " extract(epoch FROM pg_xact_commit_timestamp(j.xmin))::float8"
            " FROM journal j JOIN inbox i ON i.event_id = j.event_id AND i.source = j.source"
            " WHERE j.kind = 0 AND j.event_id LIKE 'quiet-%'"
        ).fetchall()
    measured = [(sent[id_], accepted, applied) for id_, accepted, applied in rows if id_ in sent]
    times = sorted((applied - at) * 1000 for at, _, applied in measured)
    return {
        "events": len(times),
        "missing": len(sent) - len(times),
        "accepted_p50_ms": statistics.median((accepted - at) * 1000 for at, accepted, _ in measured),
        "applied_p50_ms": statistics.median((applied - accepted) * 1000 for _, accepted, applied in measured),
        "p50_ms": statistics.median(times),
        "p99_ms": times[int(len(times) * 0.99)],
        "max_ms": times[-1],
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-events", type=int, default=200)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    rounds: list[dict[str, Any]] = []
    with parts() as made:
        for number in range(options.rounds):
            for broker in (True, False):
                rounds.append(throughput(made, 100 + 2 * number + broker, options.records, broker=broker))
                print("throughput", json.dumps(rounds[-1]), flush=True)
        # At the end: what runs for long is warm, and so is this.
        quiet = latency(made, options.latency_events)
        print("latency", json.dumps(quiet), flush=True)
    figures = {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "records": options.records,
        "latency": quiet,
        "rounds": rounds,
        "without_broker_ratio": _rate(rounds, broker=False) / _rate(rounds, broker=True),
    }
    text = as_markdown(figures)
    print(text)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n")
        options.report.with_suffix(".md").write_text(text)


def _rate(rounds: list[dict[str, Any]], *, broker: bool) -> float:
    return statistics.median(float(r["events_per_s"]) for r in rounds if r["broker"] is broker)


def as_markdown(figures: dict[str, Any]) -> str:
    """Write the figures as a page."""
    quiet, best = figures["latency"], max(figures["rounds"], key=lambda r: r["events_per_s"])
    names = sorted(best["cpu_us_per_event"])
    where = "Apache Kafka, PostgreSQL (fsync on), Valkey and all programs on the same machine"
    times = f"median {quiet['p50_ms']:.1f} ms, p99 {quiet['p99_ms']:.1f} ms"
    parts_of_it = (
        f"from the send to the commit that accepts it {quiet['accepted_p50_ms']:.1f} ms,"
        f" from there to the commit of its step {quiet['applied_p50_ms']:.1f} ms"
    )
    seen = f"{quiet['events']} events, {quiet['missing']} missing, load {quiet['load']:.1f}"
    ratio = f"{figures['without_broker_ratio']:.0%}"
    lines = [
        "# First figures of the spine",
        "",
        f"`make bench` on {figures['machine']}; {where}.",
        "",
        f"Quiet latency, send to commit, pollers asleep for 60 s: {times}; {seen}.",
        f"Of the median, {parts_of_it}.",
        "",
        f"Without the Celery broker the backlog drains at {ratio} of the rate with it (medians).",
        "",
        "| broker | events/s | " + " | ".join(f"{name} µs" for name in names) + " | WAL B | kept B | load |",
        "|---|---|" + "---|" * (len(names) + 3),
    ]
    for r in figures["rounds"]:
        cpu = " | ".join(f"{r['cpu_us_per_event'].get(name, 0.0):.0f}" for name in names)
        lines.append(
            f"| {'on' if r['broker'] else 'off'} | {r['events_per_s']:,.0f} | {cpu} | {r['wal_bytes_per_event']:.0f}"
            f" | {r['kept_bytes_per_event']:.0f} | {r['load']:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
