"""What a run leaves behind: when it has come to rest, what lies in its output topics, and the checker's verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import psycopg
from acceptance.rig.world import PAGES, ROOT, World
from kafka import KafkaConsumer, TopicPartition

from foliot_ingest.routing import lane_topics

CHANGES: Final = "foliot.changes"
_CHECKER: Final = ROOT / "tests" / "checker" / "check.py"
_CHECK_S_MAX: Final = 300
_TAKEN: Final = "SELECT topic, partition, next FROM offsets"
_WAITING: Final = """
    SELECT (SELECT coalesce(sum(a - b), 0) FROM heads h JOIN cursors c USING (shard),
                   unnest(h.numbers, c.numbers) AS u (a, b)),
           (SELECT count(*) FROM cursors WHERE draining),
           (SELECT coalesce(sum(c.outbox - r.sent), 0) FROM cursors c JOIN relays r USING (shard)),
           (SELECT coalesce(sum(c.n - r.changes), 0) FROM cursors c JOIN relays r USING (shard))
"""


def waiting(world: World, *, ends: dict[tuple[str, int], int] | None = None) -> dict[str, int]:
    """Count what has not come to rest; -1 where nobody answers. `ends` are the ends of the lane topics' partitions."""
    try:
        [(inbox, draining, outbox, changes)] = world.query(_WAITING)
        taken = {(str(row[0]), int(str(row[1]))): int(str(row[2])) for row in world.query(_TAKEN)}
    except psycopg.Error:
        return dict.fromkeys(("kafka", "inbox", "draining", "outbox", "changes"), -1)
    # Tansu at times gives an end that lies one before its last record.
    left = sum(max(0, end - taken.get(place, 0)) for place, end in (ends or {}).items())
    counts = {"kafka": left, "inbox": inbox, "draining": draining, "outbox": outbox, "changes": changes}
    return {name: int(str(count)) for name, count in counts.items()}


def lane_ends(world: World) -> dict[tuple[str, int], int]:
    """Ask Kafka where the lane topics end."""
    consumer = _consumer(world)
    try:
        places = _places(consumer, lane_topics(world.settings()))
        return {(place.topic, place.partition): end for place, end in consumer.end_offsets(places).items()}
    finally:
        consumer.close()


def write_outputs(world: World) -> None:
    """Read the output topics from their beginnings into `sink.jsonl` and `changes.jsonl`."""
    with (world.evidence / "sink.jsonl").open("w", encoding="utf-8") as file:
        for record in _records(world, PAGES):
            text = record.value.decode()
            line = {
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "key": record.key.decode(),
                "id": json.loads(text)["id"],
                "bytes_hash": blake2b(record.value, digest_size=16).hexdigest(),
                "value": text,
            }
            file.write(json.dumps(line) + "\n")
    with (world.evidence / "changes.jsonl").open("w", encoding="utf-8") as file:
        for record in _records(world, CHANGES):
            changes = [_change(document) for document in json.loads(record.value)]
            key = None if record.key is None else record.key.decode()
            line = {"partition": record.partition, "offset": record.offset, "key": key, "changes": changes}
            file.write(json.dumps(line) + "\n")


def check(world: World, *, drained: bool = True, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Let the checker dump the tables and judge; give its verdict.

    Raises:
        RuntimeError: it could not judge.
    """
    command = [sys.executable, str(_CHECKER), "--evidence", str(world.evidence), "--dsn", world.dsn_owner, "--json"]
    command += ["--drained"] if drained else []
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, timeout=_CHECK_S_MAX, cwd=ROOT
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"the checker could not judge (code {done.returncode}): {done.stderr}")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def findings(verdict: dict[str, Any]) -> dict[str, int]:
    """Count a verdict's red findings by the name of the invariant."""
    return {name: count for line in verdict["lines"] if line["red"] for name, count in line["by_name"].items()}


def rows(evidence: Path, name: str) -> Iterator[dict[str, Any]]:
    """Read one file of evidence."""
    with (evidence / f"{name}.jsonl").open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _change(document: dict[str, Any]) -> dict[str, Any]:
    data = document["data"]
    return {**data, "type": data["event_type"]}


def _consumer(world: World) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=world.kafka.address,
        enable_auto_commit=False,
        group_id=None,
        auto_offset_reset="earliest",
        request_timeout_ms=10_000,
    )


def _places(consumer: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    return [
        TopicPartition(topic, partition)
        for topic in topics
        for partition in sorted(consumer.partitions_for_topic(topic) or ())
    ]


def _records(world: World, topic: str) -> Iterator[Any]:
    consumer = _consumer(world)
    try:
        places = _places(consumer, [topic])
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        consumer.seek_to_beginning(*places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=500).values():
                yield from records
    finally:
        consumer.close()
