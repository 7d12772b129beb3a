"""Make events and put them on a Kafka topic or into a file, one a line.

python -m benchmarks.load --seed 1 --events 40000 --instances 500 (--kafka HOST:PORT | --file PATH)
python -m benchmarks.load --lines PATH --kafka HOST:PORT
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson
from confluent_kafka import KafkaError, Message, Producer

from benchmarks.load.events import Event, births, incident_events

TOPIC = "foliot.events.normal"
"""One lane: only events of one lane are sure to keep their order."""
_EARLY_S: Final = 0.001
_CONNECT_S: Final = 30.0


def to_kafka(address: str, topic: str, events: Iterable[Event], *, linger_ms: int) -> None:
    """Put events on the lane's topic, keyed by address.

    Raises:
        RuntimeError: one was not written.
    """
    # It shares the machine with what it loads, and librdkafka takes a tenth of kafka-python's time for an event.
    producer = Producer(
        {
            "bootstrap.servers": address,
            "acks": "all",
            # Order, whatever is tried again; but half a second passes before the first event leaves.
            "enable.idempotence": linger_ms > 0,
            "linger.ms": linger_ms,
            "batch.size": 262_144,
            "queue.buffering.max.messages": 100_000,
            "partitioner": "murmur2_random",
        }
    )
    producer.list_topics(topic, timeout=_CONNECT_S)
    headers: list[tuple[str, str | bytes | None]] = [("content-type", b"application/cloudevents+json")]
    for event in events:
        key = f"default/incident/{event.key}".encode()
        while True:
            try:
                producer.produce(topic, event.document, key, headers=headers, on_delivery=_written)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if left := producer.flush():
        raise RuntimeError(f"{left} events are not written")


def _written(error: KafkaError | None, message: Message) -> None:
    if error is not None:
        raise RuntimeError(f"an event for {message.topic()} was not written: {error}")


def to_file(path: Path, events: Iterable[Event]) -> None:
    """Write events as lines, whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        stream.writelines(event.document + b"\n" for event in events)
    part.rename(path)


def from_file(path: Path) -> Iterator[Event]:
    """Read events as `to_file` writes them."""
    with path.open("rb") as stream:
        for line in stream:
            read = orjson.loads(line)
            yield Event(read["subject"], read["id"], read["type"], line.rstrip(b"\n"))


def paced(events: Iterable[Event], per_second: float) -> Iterator[Event]:
    """Hold events back to an even pace; what is due within a millisecond comes at once."""
    began = time.monotonic()
    for number, event in enumerate(events):
        if (early := began + number / per_second - time.monotonic()) > _EARLY_S:
            time.sleep(early)
        yield event


def stamped(event: Event) -> Event:
    """Give an event the present time."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return replace(event, document=orjson.dumps(orjson.loads(event.document) | {"time": now}))


def main() -> None:
    """Produce, and end."""
    options = _options()
    if options.lines:
        events = from_file(options.lines)
    elif options.births:
        events = births(options.seed, options.instances)
    else:
        events = incident_events(options.seed, options.events, options.instances, born=options.born, skip=options.skip)
    if options.per_second:
        events = paced(events, options.per_second)
    if options.stamp:
        events = map(stamped, events)
    if options.seconds:
        until = time.monotonic() + options.seconds
        events = itertools.takewhile(lambda _: time.monotonic() < until, events)
    if options.kafka:
        # What is told the time of its sending is sent at that time.
        to_kafka(options.kafka, options.topic, events, linger_ms=0 if options.stamp else 20)
    else:
        to_file(options.file, events)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=Path, help="take the events from this file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--births", action="store_true", help="one event for each instance: its birth")
    parser.add_argument("--born", action="store_true", help="the births of these instances were sent before")
    parser.add_argument("--skip", type=int, default=0, help="go on after so many events of this seed")
    parser.add_argument("--per-second", type=float, help="an even pace, instead of as fast as it goes")
    parser.add_argument("--stamp", action="store_true", help="give each event the time at which it is sent")
    parser.add_argument("--seconds", type=float, help="end after this time")
    parser.add_argument("--topic", default=TOPIC)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--kafka")
    where.add_argument("--file", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
