"""The producer: seeded incident events at a steady pace, with a line of evidence for each record that was sent."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TextIO

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from foliot.local.demo.workload import Planned

_BEHIND_S_MAX: Final = 1.0
"""After a longer stop the pace begins anew: no flood after each restart of the broker."""
_CLOSE_S_MAX: Final = 60.0


class Traffic(threading.Thread):
    """Sends records from a thread until told to stop; the log is whole when `finish` has returned.

    Args:
        address: the broker's.
        records: what to send, in this order.
        rate: records a second.
        log: where `producer.jsonl` goes on.
    """

    def __init__(self, address: str, records: Iterable[Planned], *, rate: float, log: Path) -> None:
        super().__init__(name="traffic", daemon=True)
        self.sent = 0
        self.unknown = 0
        self.failure: BaseException | None = None
        self._address = address
        self._records = records
        self._rate = rate
        self._log = log
        self._asked_to_stop = threading.Event()

    def run(self) -> None:
        """Send until told to stop or until there are no more records."""
        try:
            with self._log.open("a", encoding="utf-8") as file:
                self._send_all(file)
        except BaseException as error:
            self.failure = error
            raise

    def finish(self) -> None:
        """Stop sending, wait for the reports that may still come, and close the log."""
        self._asked_to_stop.set()
        self.join()
        if self.failure is not None:
            raise RuntimeError("the producer died") from self.failure

    def send_all_now(self) -> None:
        """Start, and return when all records are sent and reported."""
        self.start()
        self.join()
        self.finish()

    def _send_all(self, file: TextIO) -> None:
        producer = KafkaProducer(
            bootstrap_servers=self._address,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            delivery_timeout_ms=120_000,
            request_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            max_block_ms=2_000,
            metadata_max_age_ms=30_000,
        )
        waiting: deque[tuple[Planned, FutureRecordMetadata]] = deque()
        following = time.monotonic()
        for planned in self._records:
            pause = following - time.monotonic()
            if pause < -_BEHIND_S_MAX:
                following = time.monotonic()
            if self._asked_to_stop.wait(max(0.0, pause)):
                break
            following += 1 / self._rate
            waiting.append((planned, self._hand_over(producer, planned)))
            self.sent += 1
            while waiting and waiting[0][1].is_done:
                self._settle(file, *waiting.popleft())
        try:
            producer.close(timeout=_CLOSE_S_MAX)
        finally:
            while waiting:
                self._settle(file, *waiting.popleft())

    def _hand_over(self, producer: KafkaProducer, planned: Planned) -> FutureRecordMetadata:
        while True:
            try:
                return producer.send(planned.topic, planned.value, planned.kafka_key.encode(), list(planned.headers))
            except KafkaError:
                # Nothing was handed over: the broker is away and the client knows too little to choose a partition.
                time.sleep(0.1)

    def _settle(self, file: TextIO, planned: Planned, report: FutureRecordMetadata) -> None:
        line = producer_line(planned)
        if report.succeeded():
            place = report.value
            line |= {"partition": place.partition, "offset": place.offset, "ack": "ok"}
        else:
            self.unknown += 1
            line |= {"partition": None, "offset": None, "ack": "unknown"}
        file.write(json.dumps(line) + "\n")


def producer_line(planned: Planned) -> dict[str, Any]:
    """Say of a record what the producer knows: of a malformed one, as much as can be read."""
    if planned.event is not None:
        said: dict[str, Any] = {**planned.event, "foliotmachine": "incident", "subject": planned.key}
    else:
        try:
            found = json.loads(planned.value)
        except ValueError:
            found = {}
        said = found if isinstance(found, dict) else {}
    return {
        "topic": planned.topic,
        "tenant": "default",
        "machine": said.get("foliotmachine"),
        "key": said.get("subject"),
        "lane": planned.lane,
        "id": said.get("id"),
        "source": said.get("source"),
        "type": said.get("type"),
        "expect": planned.expect,
    }
