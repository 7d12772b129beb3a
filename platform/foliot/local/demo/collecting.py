"""The demo's readers, a process of its own: write down what came out of Foliot, until they are told to stop."""

from __future__ import annotations

import argparse
import signal
import threading
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from kafka import KafkaConsumer, TopicPartition

from foliot.local.demo.workload import PAGES

CHANGES: Final = "foliot.changes"


def main() -> None:
    """Read both topics from their beginning; end at SIGTERM, after what was there has been read."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    consumer = KafkaConsumer(
        bootstrap_servers=options.kafka.split(","),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in (PAGES, CHANGES)
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        with (
            (options.folder / "sink.jsonl").open("wb") as sink,
            (options.folder / "changes.jsonl").open("wb") as changes,
        ):
            _read(consumer, stopping, sink, changes)
    finally:
        consumer.close()


def _read(consumer: KafkaConsumer, stopping: threading.Event, sink: BinaryIO, changes: BinaryIO) -> None:
    quiet = 0
    while quiet < 2:
        polled = consumer.poll(timeout_ms=300, max_records=2000)
        for partition, records in polled.items():
            write, file = (_change_line, changes) if partition.topic == CHANGES else (_sink_line, sink)
            for record in records:
                file.write(orjson.dumps(write(record)) + b"\n")
        quiet = quiet + 1 if stopping.is_set() and not polled else 0


def _sink_line(record: Any) -> dict[str, Any]:
    event = orjson.loads(record.value)
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key.decode(),
        "id": event["id"],
        "bytes_hash": blake2b(record.value, digest_size=16).hexdigest(),
        "value": event,
        "at": record.timestamp * 1000,
    }


def _change_line(record: Any) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key.decode(),
        "changes": [change["data"] | {"type": change["data"]["event_type"]} for change in orjson.loads(record.value)],
    }


if __name__ == "__main__":
    main()
