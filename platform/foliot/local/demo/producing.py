"""The demo's producer, a process of its own: sends the traffic and writes down what the broker acknowledged."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from foliot.cloudevents import DEFAULT_TENANT, KafkaRecord
from foliot.local.demo.workload import MACHINE, Planned, incidents
from foliot.producer import Delivery, Producer

PAUSE_RECORDS: Final = 200
"""After so many records the producer looks at the clock."""


def main() -> None:
    """Send, flush, and write one line a record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="records per second in the middle of a burst")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--sent", type=Path, required=True, help="file that holds how many were sent so far")
    options = parser.parse_args()
    with Producer(options.kafka, name="foliot-demo") as producer, options.report.open("wb") as report:
        _send_all(producer, options, report)


def _send_all(producer: Producer, options: argparse.Namespace, report: BinaryIO) -> None:
    began = time.monotonic()
    due_seconds = 0.0
    waiting: list[tuple[Planned, Future[Delivery]]] = []
    for number, planned in enumerate(incidents(options.seed, options.records), 1):
        # As it is: some of the records are broken on purpose.
        record = KafkaRecord(planned.topic, planned.kafka_key.encode(), planned.value, planned.headers)
        waiting.append((planned, producer.send_record(record)))
        # Traffic comes in bursts: every third one is three times as fast as the calm between them.
        due_seconds += 1 / (options.rate * (1.5 if planned.burst % 3 else 0.5))
        if number % PAUSE_RECORDS == 0 or number == options.records:
            producer.flush()
            _write(report, waiting)
            waiting.clear()
            # In one piece: who reads a file that is being written anew finds it empty.
            part = options.sent.with_suffix(".part")
            part.write_text(str(number))
            part.replace(options.sent)
            time.sleep(max(0.0, began + due_seconds - time.monotonic()))


def _write(report: BinaryIO, sent: list[tuple[Planned, Future[Delivery]]]) -> None:
    for planned, future in sent:
        place = future.result(timeout=30)
        line = {
            "topic": planned.topic,
            "partition": place.partition,
            "offset": place.offset,
            "tenant": DEFAULT_TENANT,
            "machine": MACHINE,
            "key": planned.key,
            "lane": planned.lane,
            "expect": planned.expect,
            **(planned.event or {"id": None, "source": None, "type": None, "data": None, "time": None}),
        }
        report.write(orjson.dumps(line) + b"\n")


if __name__ == "__main__":
    main()
