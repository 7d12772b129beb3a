"""One consumer: polls Kafka, decodes, takes batches into the inbox, and stays in step with the offsets in Postgres."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError

from foliot.errors import FoliotError
from foliot.producer import KafkaUnavailable
from foliot.registry import Catalog, load_catalog
from foliot.runtime import Receipt, Wake, brief, has_room, rest_s, take_in
from foliot.settings import Settings
from foliot.store import (
    Connection,
    DataRefused,
    RegistryMoved,
    StoreError,
    connect,
    end_reading,
    load,
)
from foliot_ingest.backpressure import Backpressure, LaneDepth
from foliot_ingest.decoding import Decoded, Fetched, decode_all, sort_out, unstorable
from foliot_ingest.fetching import RecordUnreadable
from foliot_ingest.kafka_clients import TopicFacts, admin, make_consumer, may_pass, topic_facts
from foliot_ingest.membership import JOIN_POLL_MS, describe, joined, orphans
from foliot_ingest.positions import Positions, raise_alarm
from foliot_ingest.routing import Router, lane_topics
from foliot_ingest.topics import make_topics
from foliot_ingest.urgency import URGENT_LANES, UrgentTraffic

_SQL: Final = load("intake")
_REGISTRY: Final = load("registry")
_BACKOFF_S_MIN: Final = 0.1
_BACKOFF_S_MAX: Final = 3.0
_DEPTH_S: Final = 1.0
"""How often the depth of the inbox is read."""
_REVIEW_S: Final = 15.0
"""How often stopped partitions, new topics, topics that were made anew and the members of the group are looked at."""
_ANSWER_MS_MAX: Final = 5_000
PROGRESS_S: Final = 5.0
"""How often it is looked at whether the client gives what the log has."""
JOIN_S_MAX: Final = 15.0
"""How long a new member of the group waits for an assignment before it tries with another client."""
FOREIGN_LANE: Final = 2
"""Foreign topics wait as the normal lane does."""

log = structlog.get_logger(__name__)
Polled = Mapping[TopicPartition, Sequence[Any]]


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Hears of new assignments; a hint only, since the offsets in Postgres decide who may take a record."""

    def __init__(self) -> None:
        self.changed = True
        self.join_by = time.monotonic() + JOIN_S_MAX

    def check_joined(self) -> None:
        """Refuse to wait any longer for a first assignment, be it an empty one.

        Raises:
            KafkaUnavailable: the group has not answered in time; a new client may fare better.
        """
        if time.monotonic() > self.join_by:
            raise KafkaUnavailable(f"no answer from the consumer group within {JOIN_S_MAX:.0f} s", where="group")

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the client's interface
        """Note that positions are no longer ours."""
        self.changed = True

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - likewise
        """Note that positions must be looked up."""
        self.changed, self.join_by = True, math.inf


class Reader:
    """A Kafka client and a Postgres connection of their own, for the lanes in `lanes` (and foreign topics).

    `run` returns when `stop` is set, after the batch in hand.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        name: str,
        lanes: frozenset[int],
        foreign: bool,
        wake: Wake,
        writer: str,
        stop: threading.Event,
        traffic: UrgentTraffic,
    ) -> None:
        self.name = name
        self.turns = 0
        """How often it came around any of its loops: while this grows, the reader does not hang."""
        self._settings = settings
        self._group = f"{settings.group}.{name}"
        self._topics = [topic for topic, lane in lane_topics(settings).items() if lane in lanes]
        self._foreign = foreign
        self._wake = wake
        self._writer = writer
        self._stop = stop
        self._traffic = traffic
        self._urgent = lanes <= URGENT_LANES
        self._backpressure = Backpressure(settings.inbox_depth_max, settings.inbox_age_max_s)
        self._lane_of = lane_topics(settings)
        self._waiting_lanes: frozenset[int] = frozenset()
        self._assignments = _Assignments()
        self._facts: Mapping[str, TopicFacts] = {}
        self._refused_topics: set[str] = set()
        self._next_depth_at = 0.0
        self._next_review_at = 0.0
        self._next_progress_at = 0.0
        self._behind: frozenset[TopicPartition] = frozenset()
        self._orphans: frozenset[tuple[int, TopicPartition]] = frozenset()
        self._router: Router | None = None
        self._log = log.bind(reader=name)

    def run(self) -> None:
        """Read until told to stop; Kafka or Postgres may go away and come back meanwhile.

        Raises:
            FoliotError: what no second try can heal.
        """
        failures = 0
        while not self._stop.is_set():
            self.turns += 1
            started = time.monotonic()
            try:
                self._session()
            except (FoliotError, KafkaError) as error:
                if not may_pass(error):
                    raise
                # A session that had lasted was healthy: its end is the first failure of a new series.
                failures = 1 if time.monotonic() - started > 2 * _BACKOFF_S_MAX else failures + 1
                wait_s = min(_BACKOFF_S_MAX, _BACKOFF_S_MIN * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311
                self._log.warning("session_lost", error=str(error), again_in_s=round(wait_s, 2))
                self._stop.wait(wait_s)

    def _session(self) -> None:
        """Read with one Kafka client until stopped, over as many Postgres connections as it takes."""
        consumer = make_consumer(self._settings, group=self._group, name=self._writer)
        try:
            positions = Positions(self._settings, consumer, writer=self._writer)
            self._facts, self._assignments, self._next_review_at = {}, _Assignments(), 0.0
            self._behind, self._orphans = frozenset(), frozenset()
            self._with_postgres(consumer, positions)
        finally:
            consumer.close(autocommit=False, timeout_ms=int(self._settings.grace_s * 300))

    def _with_postgres(self, consumer: KafkaConsumer, positions: Positions) -> None:
        backoff_s = _BACKOFF_S_MIN
        while not self._stop.is_set():
            self.turns += 1
            started = time.monotonic()
            try:
                self._with_connection(consumer, positions)
            except StoreError as error:
                if not error.retryable:
                    raise
                # Whatever was on its way, the offsets in Postgres tell what became of it.
                self._log.warning("offsets_in_doubt", error=str(error))
                backoff_s = _BACKOFF_S_MIN if time.monotonic() - started > _BACKOFF_S_MAX else 2 * backoff_s
                self._stop.wait(min(backoff_s, _BACKOFF_S_MAX))

    def _with_connection(self, consumer: KafkaConsumer, positions: Positions) -> None:
        application = f"foliot-ingest {self.name}"
        with closing(connect(self._settings.dsn_service, application=application)) as connection:
            self._assignments.changed = True
            # A server that took over may have other changes of the registry under the same revision.
            self._router = None
            while not self._stop.is_set():
                self._turn(connection, consumer, positions)

    def _turn(self, connection: Connection, consumer: KafkaConsumer, positions: Positions) -> None:
        """Poll once, and take in what came."""
        self.turns += 1
        now = time.monotonic()
        if now >= self._next_review_at:
            self._review(connection, consumer, positions)
            self._next_review_at = now + _REVIEW_S
        if now >= self._next_depth_at:
            self._look_at_depth(connection)
            self._next_depth_at = now + _DEPTH_S
        self._assignments.check_joined()
        if self._assignments.changed:
            self._place(connection, consumer, positions)
        if now >= self._next_progress_at and not self._assignments.changed:
            self._check_progress(consumer, positions)
            self._next_progress_at = now + PROGRESS_S
        self._pause(consumer, positions)
        polled = self._poll(connection, consumer, positions)
        if polled:
            self._behind = frozenset()
            if self._urgent:
                self._traffic.note()
        # A rebalance within the poll may have moved positions under these records.
        if polled and not self._assignments.changed:
            began = time.monotonic()
            self._take(connection, positions, polled)
            if not self._urgent:
                had_room = has_room(sum(map(len, polled.values())), self._records_max())
                self._stop.wait(rest_s(time.monotonic() - began, had_room=had_room))

    def _poll(self, connection: Connection, consumer: KafkaConsumer, positions: Positions) -> Polled:
        wait_ms = self._settings.ingest_poll_ms if joined(consumer) else JOIN_POLL_MS
        try:
            polled: Polled = consumer.poll(timeout_ms=wait_ms, max_records=self._records_max())
        except NoOffsetForPartitionError:
            # Nothing was ever committed to Kafka: this is how the client says that partitions are new to it.
            self._assignments.changed = True
            return {}
        except (OffsetOutOfRangeError, LogTruncationError) as error:
            self._stop_partitions(connection, consumer, positions, error)
            return {}
        except RecordUnreadable as error:
            # A client that tries again meets it again, and gives nothing of other partitions meanwhile.
            if error.place in positions.standings:
                positions.stop(connection, error.place, error.args[0])
            return {}
        return polled

    def _records_max(self) -> int:
        records_max = self._settings.ingest_batch
        return brief(records_max) if not self._urgent and self._traffic.recent() else records_max

    def _stop_partitions(
        self, connection: Connection, consumer: KafkaConsumer, positions: Positions, error: KafkaError
    ) -> None:
        before = {topic: facts.id for topic, facts in self._facts.items()}
        self._inspect(consumer)
        for place in error.args[0] if error.args and isinstance(error.args[0], dict) else ():
            facts = self._facts.get(place.topic)
            if facts is not None and facts.id != before.get(place.topic):
                # The topic was deleted and made anew: its partitions begin anew, under the new id.
                self._assignments.changed = True
            elif place in positions.standings:
                following = positions.standings[place].next
                positions.stop(connection, place, f"offset {following} is outside the log ({type(error).__name__})")

    def _place(self, connection: Connection, consumer: KafkaConsumer, positions: Positions) -> None:
        assigned = consumer.assignment()
        if any(place.topic not in self._facts for place in assigned):
            self._inspect(consumer)
        if any(place.topic not in self._facts for place in assigned):
            raise KafkaUnavailable("an assigned topic is not described", where="topics")
        self._assignments.changed = False
        try:
            positions.place(connection, {topic: facts.id for topic, facts in self._facts.items()})
        except BaseException:
            self._assignments.changed = True
            raise

    def _pause(self, consumer: KafkaConsumer, positions: Positions) -> None:
        for place, standing in positions.standings.items():
            if standing.stopped is None:
                lane = self._lane_of.get(place.topic, FOREIGN_LANE)
                (consumer.pause if lane in self._waiting_lanes else consumer.resume)(place)

    def _check_progress(self, consumer: KafkaConsumer, positions: Positions) -> None:
        """Compare positions with the ends of the logs.

        Raises:
            KafkaUnavailable: records were there at two looks, and none was given in between; a new client is needed.
        """
        read = [
            place
            for place in positions.standings.keys() & consumer.assignment()
            if positions.standings[place].stopped is None
            and self._lane_of.get(place.topic, FOREIGN_LANE) not in self._waiting_lanes
        ]
        ends = consumer.end_offsets(read, timeout_ms=_ANSWER_MS_MAX) if read else {}
        # The client's position: it passes the marks of transactions too, which are no records.
        behind = {place for place in read if (consumer.position(place, timeout_ms=_ANSWER_MS_MAX) or 0) < ends[place]}
        silent = sorted(behind & self._behind)
        # Records of any partition make this empty: one may wait long for its turn.
        self._behind = frozenset(behind)
        if silent:
            where = f"{silent[0].topic}[{silent[0].partition}]"
            raise KafkaUnavailable(f"the client gave nothing of what is there for {PROGRESS_S:.0f} s", where=where)

    def _look_at_depth(self, connection: Connection) -> None:
        rows = _SQL["read_depth"].run(connection).fetchall()
        end_reading(connection)
        waiting = self._backpressure.paused((LaneDepth(*row) for row in rows), self._waiting_lanes)
        if waiting != self._waiting_lanes:
            depth = sum(row[1] for row in rows)
            self._log.info("lanes_paused", lanes=sorted(waiting), before=sorted(self._waiting_lanes), depth=depth)
        self._waiting_lanes = waiting

    def _review(self, connection: Connection, consumer: KafkaConsumer, positions: Positions) -> None:
        """Subscribe to what should be read; place again where an operator or the broker may have changed something."""
        wanted = set(self._topics)
        if self._foreign:
            wanted |= set(self._fresh_router(connection).catalog.routing) - set(self._lane_of)
            end_reading(connection)
        self._inspect(consumer, wanted)
        self._make_missing(consumer)
        for topic in sorted(topic for topic, facts in self._facts.items() if facts.compacted):
            wanted.discard(topic)
            self._refuse_topic(connection, topic)
        if wanted != (consumer.subscription() or set()):
            consumer.subscribe(sorted(wanted), listener=self._assignments)
        # Compared with what is read under, not with the last look: a topic may have been away at that one.
        facts = self._facts
        renewed = any(
            place.topic in facts and facts[place.topic].id != standing.topic_id
            for place, standing in positions.standings.items()
        )
        if renewed or positions.stopped():
            self._assignments.changed = True
        self._check_group(consumer)

    def _check_group(self, consumer: KafkaConsumer) -> None:
        """Compare what the members of the group have with what there is to read.

        Raises:
            KafkaUnavailable: partitions were nobody's at two looks under one assignment; for a new client the group
                makes another.
        """
        subscribed = (consumer.subscription() or set()) & self._facts.keys()
        there = {
            TopicPartition(topic, number) for topic in subscribed for number in range(self._facts[topic].partitions)
        }
        lacking = there - consumer.assignment()
        found: frozenset[tuple[int, TopicPartition]] = frozenset()
        if lacking:
            with admin(self._settings, name=self._writer) as client:
                group = describe(client, self._group)
            own = consumer.group_metadata()
            found = frozenset((own.generation_id, place) for place in orphans(group, own.member_id, lacking))
        lasting = sorted(found & self._orphans)
        self._orphans = found
        if lasting:
            topic, partition = lasting[0][1]
            raise KafkaUnavailable(
                "no member of the consumer group was given this partition", where=f"{topic}[{partition}]"
            )

    def _make_missing(self, consumer: KafkaConsumer) -> None:
        missing = [topic for topic in self._topics if topic not in self._facts]
        if missing:
            try:
                made = make_topics(self._settings, missing, name=self._writer)
            except KafkaUnavailable as error:
                # They may be somebody else's to make.
                self._log.warning("topics_not_made", topics=missing, error=str(error))
            else:
                self._log.info("topics_made", topics=made)
                self._inspect(consumer, missing)

    def _refuse_topic(self, connection: Connection, topic: str) -> None:
        if topic not in self._refused_topics:
            self._refused_topics.add(topic)
            what = f"topic {topic} has cleanup.policy=compact: records would vanish before they are read"
            self._log.error("topic_refused", topic=topic, why=what)
            raise_alarm(connection, "topic_compacted", what, writer=self._writer)
            connection.commit()

    def _inspect(self, consumer: KafkaConsumer, topics: Iterable[str] | None = None) -> None:
        with admin(self._settings, name=self._writer) as client:
            wanted = set(consumer.subscription() or ()) if topics is None else set(topics)
            others = {topic: facts for topic, facts in self._facts.items() if topic not in wanted}
            self._facts = {**others, **topic_facts(client, wanted)}

    def _fresh_router(self, connection: Connection) -> Router:
        """Give the router of the registry as it is now; the transaction that has read it stays open."""
        router = self._router
        if router is not None:
            row = _REGISTRY["read_installation"].run(connection).fetchone()
            router = router if row is not None and router.catalog.revision == row[0] else None
        if router is None:
            router = self._router = Router(self._settings, load_catalog(connection))
        return router

    def _take(self, connection: Connection, positions: Positions, polled: Polled) -> None:
        admitted = {
            place: records for place, records in polled.items() if records and positions.admit(place, records[0].offset)
        }
        while admitted:
            router = self._router or self._fresh_router(connection)
            fetched = [
                Fetched(positions.standings[place].topic_id, place, records) for place, records in admitted.items()
            ]
            decoded = decode_all(router, fetched)
            try:
                self._take_in(connection, positions, router.catalog, decoded)
            except RegistryMoved:
                # Halves of a batch that Postgres refused may have been taken before the registry moved.
                self.turns += 1
                self._router = None
                admitted = {
                    place: left
                    for place, records in admitted.items()
                    if (left := [each for each in records if each.offset >= positions.standings[place].next])
                }
            else:
                return

    def _take_in(
        self, connection: Connection, positions: Positions, catalog: Catalog, decoded: Sequence[Decoded]
    ) -> None:
        self.turns += 1
        try:
            receipt = self._transaction(connection, positions, catalog, decoded)
        except DataRefused as error:
            if len(decoded) > 1:
                # One record that Postgres refuses must not hold up the others: halves, until it stands alone.
                middle = len(decoded) // 2
                self._take_in(connection, positions, catalog, decoded[:middle])
                self._take_in(connection, positions, catalog, decoded[middle:])
                return
            receipt = self._transaction(connection, positions, catalog, [unstorable(decoded[0], error.refusal)])
        self._wake.wake(receipt.shards)
        self._log.debug("batch_taken", accepted=receipt.accepted, duplicates=receipt.duplicates, dead=receipt.dead)

    def _transaction(
        self, connection: Connection, positions: Positions, catalog: Catalog, decoded: Sequence[Decoded]
    ) -> Receipt:
        outcomes = sort_out(decoded)
        receipt = take_in(
            connection,
            catalog,
            outcomes.arrivals,
            outcomes.set_aside,
            [positions.move(place, offset) for place, offset in outcomes.following.items()],
            writer=self._writer,
            defences_off=self._settings.defences_off,
        )
        positions.taken(outcomes.following)
        if receipt.beside_front:
            self._traffic.note()
        return receipt
