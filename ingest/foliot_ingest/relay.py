"""The relay: sends what the outbox and the journal hold, and marks it after Kafka has confirmed it.

A crash between the two sends the same ids and bytes again. Several relays share the shards: each row of `relays` is
held, by a lock in a transaction of its own, by whoever sends for that shard.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from foliot.errors import FoliotError
from foliot.producer import KafkaUnavailable, first_line, make_producer
from foliot.runtime import SetAside, insert_dead_letters
from foliot.settings import Settings
from foliot.store import Connection, columns, commit, connect, end_reading, load, roll_back
from foliot_ingest.doors import Doors, MessageTooLarge, TopicRefused, is_refusal
from foliot_ingest.kafka_clients import may_pass, security
from foliot_ingest.outgoing import Outgoing, Stream, changes, messages

_SQL: Final = load("relay")
_SHARDS_MAX: Final = 16
"""Shards that one transaction holds; other relays take the others."""
_CHANGES_MAX: Final = 8_000
"""Journal rows that one transaction reads at most, over its shards."""
_REPORTS_S_MAX: Final = 10.0
"""How long a transaction waits for Kafka's reports."""
_HANDING_S_MAX: Final = 5.0
"""After so long in one transaction, no topic is made any more."""
_TRANSACTION_MS_MAX: Final = 25_000
"""Handing over, a topic that is slow to be made, and waiting for reports fit into this; a relay that hangs frees its
shards then."""
_ALARMS_MAX: Final = 1_000
"""Alarms of one relay; machines name topics, and may name any number."""
_BLOCKED_S: Final = 0.5
"""How long the relay rests when nothing of what waits could be sent, or others hold it."""
_BACKOFF_S_MIN: Final = 0.1
_BACKOFF_S_MAX: Final = 3.0

log = structlog.get_logger(__name__)


class _ProducerSpent(Exception):
    """A broker has refused a record for good: another producer goes on."""


@dataclass(slots=True)
class _Outcome:
    """What came of sending: messages to set aside, and why the session has to end, if it has."""

    letters: list[SetAside] = field(default_factory=list)
    failure: Exception | None = None


class Relay:
    """Sends for all shards until told to stop, over as many Kafka clients and Postgres connections as it takes."""

    def __init__(self, settings: Settings, *, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._writer = f"relay@{socket.gethostname()}:{os.getpid()}"
        self._marks_late = "outbox_mark" not in settings.defences_off
        self._doors = Doors(settings, name=self._writer)
        self._alarmed: set[str] = set()
        self._suspects: set[int] = set()

    def run(self) -> None:
        """Relay until `stop` is set; Kafka or Postgres may go away and come back meanwhile.

        Raises:
            FoliotError: what no second try can heal.
        """
        log.info("relay_started", writer=self._writer)
        backoff_s = _BACKOFF_S_MIN
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                self._session()
            except _ProducerSpent:
                backoff_s = _BACKOFF_S_MIN
            except (FoliotError, KafkaError) as error:
                if not may_pass(error):
                    raise
                backoff_s = _BACKOFF_S_MIN if time.monotonic() - started > _BACKOFF_S_MAX else 2 * backoff_s
                log.warning("relay_interrupted", error=str(error))
                self._stop.wait(min(backoff_s, _BACKOFF_S_MAX))
        log.info("relay_ended", writer=self._writer)

    def _session(self) -> None:
        """Relay with one producer, until stopped or until a record fails: then nobody knows what is on its way."""
        dsn = self._settings.dsn_service
        with closing(connect(dsn, application="foliot-relay", timeout_ms=_TRANSACTION_MS_MAX)) as connection:
            producer = make_producer(self._settings.kafka, security(self._settings), name=self._writer)
            try:
                while not self._stop.is_set():
                    shards = self._find(connection)
                    moved = [self._relay(connection, producer, some) for some in self._parts(shards)]
                    if not any(moved):
                        # Work that could not be done is not tried at once again.
                        self._stop.wait(_BLOCKED_S if shards else self._settings.relay_poll_ms / 1000)
            finally:
                # What was not reported is sent again by the next producer: waiting for it here would keep its order
                # from nobody. Records in flight are a prefix of what was asked for.
                with suppress(KafkaError):
                    producer.close(timeout=0)

    def _parts(self, shards: Sequence[int]) -> Iterable[Sequence[int]]:
        """Give the shards of each transaction: suspects by themselves, the others together."""
        suspects = [shard for shard in shards if shard in self._suspects]
        others = [shard for shard in shards if shard not in self._suspects]
        yield from ([shard] for shard in suspects)
        yield from (others[start : start + _SHARDS_MAX] for start in range(0, len(others), _SHARDS_MAX))

    def _find(self, connection: Connection) -> list[int]:
        found = _SQL["find_unsent"].run(connection, {"changes": bool(self._settings.changes_topic)})
        shards = [shard for (shard,) in found]
        end_reading(connection)
        return shards

    def _relay(self, connection: Connection, producer: KafkaProducer, shards: Sequence[int]) -> bool:
        """Send what some shards hold, wait for the reports, and mark it. Tells whether anything was marked.

        Raises:
            KafkaUnavailable: a record failed or was not reported in time; those before it are marked.
            StoreError: nothing is marked: all is sent again.
        """
        if self._stop.is_set():
            return False
        try:
            confirmed = {
                shard: {Stream.MESSAGES: sent, Stream.CHANGES: announced}
                for shard, sent, announced in _SQL["lock_relays"].run(connection, {"shards": list(shards)})
            }
            before = {shard: dict(numbers) for shard, numbers in confirmed.items()}
            outcome = self._send(connection, producer, confirmed) if confirmed else _Outcome()
            moved = {shard: numbers for shard, numbers in confirmed.items() if numbers != before[shard]}
            self._mark(connection, moved, outcome.letters)
        except BaseException:
            roll_back(connection)
            raise
        if outcome.failure is not None:
            raise outcome.failure
        return bool(moved)

    def _send(
        self, connection: Connection, producer: KafkaProducer, confirmed: dict[int, dict[Stream, int]]
    ) -> _Outcome:
        """Send and wait; `confirmed` moves with every record whose predecessors are confirmed or set aside too."""
        handed = self._hand_over(connection, producer, self._read(connection, confirmed))
        alone = sum(not isinstance(report, FoliotError) for _, report in handed) == 1
        outcome = _Outcome()
        deadline = time.monotonic() + _REPORTS_S_MAX
        unconfirmed: set[tuple[int, Stream]] = set()
        for record, report in handed:
            verdict = report
            if not isinstance(report, FoliotError):
                error = self._report(record, report, deadline)
                verdict = None if error is None else self._judge(record, error, alone=alone, outcome=outcome)
                if alone and error is None:
                    self._suspects.discard(record.shard)
                if isinstance(error, KafkaTimeoutError):
                    # The others had the same time.
                    deadline = time.monotonic()
            stream = (record.shard, record.stream)
            if isinstance(verdict, KafkaUnavailable):
                unconfirmed.add(stream)
            if stream not in unconfirmed:
                confirmed[record.shard][record.stream] = record.last
                if verdict is not None:
                    outcome.letters.append(record.letter(verdict.refusal))
        return outcome

    def _judge(self, record: Outgoing, error: KafkaError, *, alone: bool, outcome: _Outcome) -> FoliotError:
        """Say what a reported error means, and that this producer is not to be used any more.

        A refusal names nobody where several records were on their way: those shards are sent for one record at a time.
        """
        refused = is_refusal(error)
        if refused and alone:
            verdict = self._doors.judge(record, error)
        else:
            where = f"{record.topic} for shard {record.shard}"
            verdict = KafkaUnavailable(f"not confirmed: {first_line(error)}", where=where)
        if refused and record.stream is Stream.MESSAGES:
            self._suspects.add(record.shard)
            outcome.failure = outcome.failure or _ProducerSpent()
        else:
            outcome.failure = verdict
        return verdict

    def _hand_over(
        self, connection: Connection, producer: KafkaProducer, records: Iterable[Outgoing]
    ) -> list[tuple[Outgoing, Any]]:
        """Give records to the producer; with each what is to come of it, or the error that says why it was not given.

        A record that cannot be sent now ends its stream; those before it may still be confirmed.
        """
        deadline = time.monotonic() + _HANDING_S_MAX
        ended: set[tuple[int, Stream]] = set()
        handed: list[tuple[Outgoing, Any]] = []
        for record in records:
            stream = (record.shard, record.stream)
            if stream in ended:
                continue
            try:
                handed.append((record, self._doors.hand_over(producer, record, deadline=deadline)))
            except KafkaUnavailable as error:
                ended.add(stream)
                self._alarm(connection, record, str(error))
            except (MessageTooLarge, TopicRefused) as error:
                handed.append((record, error))
        return handed

    def _read(self, connection: Connection, confirmed: Mapping[int, Mapping[Stream, int]]) -> list[Outgoing]:
        sent = {shard: numbers[Stream.MESSAGES] for shard, numbers in confirmed.items()}
        # A suspect's messages go one by one, and nothing beside them.
        suspected = not self._suspects.isdisjoint(sent)
        count = 1 if suspected else max(1, self._settings.relay_batch // len(sent))
        parameters = {"shards": list(sent), "sent": list(sent.values()), "count": count}
        found = list(messages(_SQL["read_outbox"].run(connection, parameters), sent))
        if suspected and not found:
            self._suspects.difference_update(sent)
        topic = self._settings.changes_topic
        if topic and not (suspected and found):
            announced = {shard: numbers[Stream.CHANGES] for shard, numbers in confirmed.items()}
            count = max(self._settings.changes_per_record, _CHANGES_MAX // len(announced))
            parameters = {"shards": list(announced), "changes": list(announced.values()), "count": count}
            rows = _SQL["read_changes"].run(connection, parameters)
            found += changes(rows, announced, topic=topic, count_max=self._settings.changes_per_record)
        return found

    def _report(self, record: Outgoing, report: Any, deadline: float) -> KafkaError | None:
        """Wait for one report; told to stop, wait for a part of the grace only."""
        if not self._marks_late:
            return None
        while True:
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + self._settings.grace_s / 4)
            left_s = deadline - time.monotonic()
            try:
                report.get(timeout=max(0.0, min(left_s, 0.25)))
            except KafkaTimeoutError as error:
                if report.is_done or left_s <= 0:
                    return error
            except KafkaError as error:
                return error
            else:
                self._doors.confirm(record)
                return None

    def _mark(
        self, connection: Connection, moved: Mapping[int, Mapping[Stream, int]], letters: Sequence[SetAside]
    ) -> None:
        for letter in letters:
            log.warning("message_set_aside", topic=letter.topic, shard=letter.shard, why=str(letter.refusal))
        insert_dead_letters(connection, letters, writer=self._writer)
        if moved:
            rows = [(shard, numbers[Stream.MESSAGES], numbers[Stream.CHANGES]) for shard, numbers in moved.items()]
            parameters = {**columns(("shards", "sent", "changes"), rows), "writer": self._writer}
            _SQL["move_relays"].run(connection, parameters)
        commit(connection, "relay")

    def _alarm(self, connection: Connection, record: Outgoing, why: str) -> None:
        """Say once in this process that a shard's stream cannot go on."""
        what = f"shard {record.shard} cannot send to topic {record.topic}"
        if what not in self._alarmed and len(self._alarmed) < _ALARMS_MAX:
            self._alarmed.add(what)
            log.error("record_not_sent", shard=record.shard, topic=record.topic, number=record.last, why=why)
            parameters = {"code": "relay_blocked", "shard": record.shard, "what": what, "writer": self._writer}
            _SQL["insert_alarm"].run(connection, parameters)
