"""Where each assigned partition stands. Postgres has the truth; Kafka's own committed offsets are never used.

A consumer seeks to what Postgres says when a partition is assigned, and after every doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from kafka import KafkaConsumer, TopicPartition

from foliot.runtime import OffsetMove
from foliot.settings import Settings
from foliot.store import Conflict, Connection, columns, commit, load
from foliot_ingest.kafka_clients import have_records

_SQL: Final = load("intake")
_ANSWER_MS_MAX: Final = 5_000
"""How long the broker may take to say where its logs begin and end."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Standing:
    """One assigned partition.

    `next` is the offset that comes next. `just_sought` holds until the first records after a seek: only then is a
    distance between `next` and the first record known to be a gap in the log and no jump of the client.
    """

    topic_id: str
    next: int
    stopped: str | None = None
    just_sought: bool = True


class Positions:
    """The assigned partitions of one consumer and where they stand."""

    def __init__(self, settings: Settings, consumer: KafkaConsumer, *, writer: str) -> None:
        self._settings = settings
        self._consumer = consumer
        self._writer = writer
        self.standings: dict[TopicPartition, Standing] = {}

    def place(self, connection: Connection, topic_ids: Mapping[str, str]) -> None:
        """Seek every assigned partition to the offset in Postgres, and begin those that were never read.

        A partition whose offset lies outside its log is stopped: never is there a jump.

        Raises:
            StoreError: try again.
            KafkaError, KafkaUnavailable: the broker did not answer; try again.
        """
        assigned = sorted(self._consumer.assignment())
        self.standings = {}
        if not assigned:
            return
        begins = self._consumer.beginning_offsets(assigned, timeout_ms=_ANSWER_MS_MAX)
        rows = [(topic_ids[place.topic], place.partition, place.topic, begins[place]) for place in assigned]
        found = self._begin(connection, rows)
        # After the offsets: a former owner may read on until now, and what it has read was in the log before.
        ends = self._consumer.end_offsets(assigned, timeout_ms=_ANSWER_MS_MAX)
        beyond = {}
        for place in assigned:
            following, stopped = found[topic_ids[place.topic], place.partition]
            if stopped is None and following > ends[place]:
                beyond[place] = following
        at_end = self._at_end(beyond)
        for place in assigned:
            topic_id = topic_ids[place.topic]
            following, stopped = found[topic_id, place.partition]
            self.standings[place] = Standing(topic_id, following, stopped)
            if stopped is None and place not in at_end and not begins[place] <= following <= ends[place]:
                log_span = f"{begins[place]} to {ends[place]}"
                self.stop(connection, place, f"offset {following} is outside the log, which has {log_span}")
            # A client insists on some position, also for a partition that it must not read.
            self._consumer.seek(place, following)
            (self._consumer.pause if self.standings[place].stopped else self._consumer.resume)(place)
        log.info(
            "partitions_placed", partitions={f"{p.topic}[{p.partition}]": s.next for p, s in self.standings.items()}
        )

    def _at_end(self, beyond: Mapping[TopicPartition, int]) -> frozenset[TopicPartition]:
        """Name those of the partitions that go on at the given offset although the broker says they end before it.

        The end that a broker gives can lie before the true one: Tansu's is one more than the first offset of the last
        batch. The record before the offset, if it can be read, proves that the log reaches the offset.
        """
        if not beyond:
            return frozenset()
        before = {place: following - 1 for place, following in beyond.items()}
        return have_records(self._settings, before, name=self._writer)

    def stop(self, connection: Connection, place: TopicPartition, why: str) -> None:
        """Read this partition no more, and say so where an operator looks; the others go on.

        Raises:
            Conflict: another owner has read on, so it is not for this one to stop it; place again.
            StoreError: it is not stopped; place again.
        """
        standing = self.standings[place]
        parameters = {
            "topic_id": standing.topic_id,
            "partition": place.partition,
            "expected": standing.next,
            "stopped": why,
        }
        if _SQL["stop_offset"].run(connection, parameters).rowcount != 1:
            raise Conflict("another ingester has moved the offset", where=f"{place.topic}[{place.partition}]")
        standing.stopped = why
        self._consumer.pause(place)
        log.error("partition_stopped", topic=place.topic, partition=place.partition, why=why)
        raise_alarm(connection, "partition_stopped", f"{place.topic}[{place.partition}]: {why}", writer=self._writer)
        commit(connection, "stop_partition")

    def stopped(self) -> tuple[TopicPartition, ...]:
        """Name the partitions that are not read until an operator clears `offsets.stopped`."""
        return tuple(place for place, standing in self.standings.items() if standing.stopped is not None)

    def admit(self, place: TopicPartition, first: int) -> bool:
        """Tell whether records from offset `first` on may be taken; if not, the partition is sought again.

        Offsets are not always adjacent (a transaction's markers take some), but a client that was not sought by us
        since its assignment could have jumped.
        """
        standing = self.standings.get(place)
        if standing is None or standing.stopped is not None:
            return False
        if first == standing.next or (standing.just_sought and first > standing.next):
            return True
        log.warning("partition_jumped", topic=place.topic, partition=place.partition, expected=standing.next, got=first)
        self._consumer.seek(place, standing.next)
        standing.just_sought = True
        return False

    def move(self, place: TopicPartition, following: int) -> OffsetMove:
        """Say how the offset moves when the records below `following` are taken."""
        standing = self.standings[place]
        return OffsetMove(standing.topic_id, place.partition, standing.next, following)

    def taken(self, moved: Mapping[TopicPartition, int]) -> None:
        """Remember what a committed transaction has moved."""
        for place, following in moved.items():
            standing = self.standings[place]
            standing.next, standing.just_sought = following, False

    @staticmethod
    def _begin(
        connection: Connection, rows: Sequence[tuple[str, int, str, int]]
    ) -> dict[tuple[str, int], tuple[int, str | None]]:
        found = _read(connection, rows)
        if missing := [row for row in rows if row[:2] not in found]:
            names = ("topic_ids", "partitions", "topics", "nexts")
            _SQL["begin_offsets"].run(connection, columns(names, missing))
            found = _read(connection, rows)
        commit(connection, "begin_offsets")
        return found


def raise_alarm(connection: Connection, code: str, what: str, *, writer: str) -> None:
    """Write an alarm in the open transaction."""
    parameters = {"codes": [code], "tenants": [None], "shards": [None], "whats": [what], "writer": writer}
    _SQL["insert_alarms"].run(connection, parameters)


def _read(
    connection: Connection, rows: Iterable[tuple[str, int, str, int]]
) -> dict[tuple[str, int], tuple[int, str | None]]:
    wanted = [row[:2] for row in rows]
    found = _SQL["read_offsets"].run(connection, columns(("topic_ids", "partitions"), wanted))
    return {(topic_id, partition): (following, stopped) for topic_id, partition, following, stopped in found}
