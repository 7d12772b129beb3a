"""From the outbox and the journal to Kafka: in order, and marked after Kafka has it."""

from __future__ import annotations

import json
import math
import time
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest
from addresses import Database, KafkaAt
from integration.ingest.streams import (
    SHARDS,
    add_machine,
    eventually,
    relaying,
    rows,
    settings_for,
    write_messages,
)
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
)

from foliot.errors import FoliotError
from foliot.producer import RECORD_BYTES_MAX, KafkaUnavailable
from foliot.registry import load_catalog
from foliot.runtime import DeadLetterRefused, redrive
from foliot.settings import Settings
from foliot.store import connect
from foliot_ingest import doors, relay
from foliot_ingest.doors import Doors, TopicRefused
from foliot_ingest.outgoing import Origin, Outgoing, Stream
from foliot_ingest.topics import make_topics


@pytest.fixture
def settings(fresh_database: Database, kafka_server: KafkaAt) -> Settings:
    add_machine(fresh_database)
    settings = settings_for(fresh_database, kafka_server)
    return settings.model_copy(update={"grace_s": 4.0})


def write_journal(database: Database, shard: int, count: int) -> None:
    """Write journal rows of one instance, as steps would."""
    instance = 4096 + shard
    with psycopg.connect(database.service) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO instances (shard, id, tenant, machine, key, channel, placed, version, semantics, position, n, "
            "state) VALUES (%s, %s, 1, 1, 'case-1', 'stable', 1, 1, 1, %s, %s, '{}')",
            [shard, instance, count, count],
        )
        cursor.executemany(
            "INSERT INTO journal (shard, n, tenant, instance, position, kind, outcome, version, semantics, event_id, "
            "type, state_hash, at) VALUES (%s, %s, 1, %s, %s, %s, 0, 1, 1, %s, 'reported', %s, '2026-01-31T12:00:00Z')",
            [(shard, n, instance, n, 1 if n == 1 else 0, f"e-{n}", bytes([n % 256])) for n in range(1, count + 1)],
        )
        cursor.execute("UPDATE cursors SET n = %s WHERE shard = %s", [count, shard])


def read_topic(settings: Settings, topic: str, count: int) -> list[Any]:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(settings.topic_partitions)])
        found: list[Any] = []
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            found += [record for records in consumer.poll(200).values() for record in records]
        return found
    finally:
        consumer.close()


def marks(database: Database, column: str) -> list[int]:
    found = rows(database, "SELECT shard, sent, changes FROM relays WHERE shard = ANY (%s) ORDER BY 1", [list(SHARDS)])
    return [sent if column == "sent" else changes for _, sent, changes in found]


def test_messages_go_out_in_order_with_their_key_from_every_segment_and_are_marked(
    settings: Settings, fresh_database: Database
):
    write_messages(fresh_database, f"{settings.group}-out", 40, late=7)

    with relaying(settings):
        eventually(lambda: marks(fresh_database, "sent") == [40, 40])

    found = read_topic(settings, f"{settings.group}-out", 80)
    by_key = {key: [json.loads(each.value)["number"] for each in found if each.key == key] for key in keys(found)}
    assert by_key == {b"default/incident/case-3": list(range(1, 41)), b"default/incident/case-9": list(range(1, 41))}
    assert {dict(each.headers)["content-type"] for each in found} == {b"application/cloudevents+json"}


def keys(records: list[Any]) -> set[bytes]:
    return {record.key for record in records}


def test_two_relays_side_by_side_send_each_message_once_and_in_order(settings: Settings, fresh_database: Database):
    topic = f"{settings.group}-out"
    make_topics(settings, [topic], name="test")

    with relaying(settings), relaying(settings):
        for first in range(1, 400, 50):
            write_messages(fresh_database, topic, 50, first=first)
        eventually(lambda: marks(fresh_database, "sent") == [400, 400])

    found = read_topic(settings, topic, 800)
    numbers = [[json.loads(each.value)["number"] for each in found if each.key == key] for key in keys(found)]
    assert numbers == [list(range(1, 401))] * 2


def test_messages_are_not_marked_while_kafka_does_not_answer(settings: Settings, fresh_database: Database):
    off = settings.model_copy(update={"kafka": "127.0.0.1:1"})
    write_messages(fresh_database, f"{settings.group}-out", 3)

    with relaying(off):
        time.sleep(3)

    assert marks(fresh_database, "sent") == [0, 0]


def test_a_gap_in_the_numbers_is_not_passed(settings: Settings, fresh_database: Database):
    topic = f"{settings.group}-out"
    write_messages(fresh_database, topic, 10)
    rows(fresh_database, "DELETE FROM outbox WHERE shard = 3 AND number = 6 RETURNING 1")

    with relaying(settings):
        eventually(lambda: marks(fresh_database, "sent") == [5, 10])
        time.sleep(1)

    assert marks(fresh_database, "sent") == [5, 10]


def letters(database: Database) -> list[Any]:
    return rows(
        database,
        "SELECT code, topic, machine, key, event_id, shard, number FROM dead_letters WHERE stage = 'send' ORDER BY id",
    )


@pytest.mark.parametrize("topic", ["no such topic!", "__consumer_offsets", "foliot.changes", "lane"])
def test_a_message_for_a_topic_that_cannot_be_is_set_aside_and_those_after_it_are_sent(
    settings: Settings, fresh_database: Database, topic: str
):
    refused = {"lane": f"{settings.topic_prefix}.low", "foliot.changes": settings.changes_topic}.get(topic, topic)
    write_messages(fresh_database, f"{settings.group}-out", 5)
    rows(fresh_database, "UPDATE outbox SET topic = %s WHERE shard = 3 AND number = 3 RETURNING 1", [refused])

    with relaying(settings):
        eventually(lambda: marks(fresh_database, "sent") == [5, 5])

    found = read_topic(settings, f"{settings.group}-out", 9)
    sent = [json.loads(each.value)["number"] for each in found if each.key == b"default/incident/case-3"]
    assert sent == [1, 2, 4, 5]
    assert letters(fresh_database) == [("topic_refused", refused, "incident", "case-3", "3-3", 3, 3)]


def test_a_message_too_large_for_its_topic_is_set_aside_and_redriven_once(settings: Settings, fresh_database: Database):
    topic = f"{settings.group}-out"
    write_messages(fresh_database, topic, 3)
    huge = json.dumps({"id": "3-2", "number": 2, "type": "told", "source": "test", "data": "x" * RECORD_BYTES_MAX})
    rows(fresh_database, "UPDATE outbox SET body = %s WHERE shard = 3 AND number = 2 RETURNING 1", [huge])

    with relaying(settings):
        eventually(lambda: marks(fresh_database, "sent") == [3, 3])
        set_aside = letters(fresh_database)
        rows(fresh_database, "UPDATE dead_letters SET event = %s RETURNING 1", [huge.replace("x", "")])
        redriven = [redrive_all(fresh_database, settings) for _ in range(2)]
        eventually(lambda: marks(fresh_database, "sent") == [4, 3])

    found = read_topic(settings, topic, 6)
    sent = [json.loads(each.value)["id"] for each in found if each.key == b"default/incident/case-3"]
    assert sent == ["3-1", "3-3", "3-2"]
    assert set_aside == [("message_too_large", topic, "incident", "case-3", "3-2", 3, 2)]
    assert redriven == [1, 0]


def redrive_all(database: Database, settings: Settings) -> int:
    """Redrive every dead letter; give how many were."""
    done = 0
    with closing(connect(database.service, application="test")) as connection:
        catalog = load_catalog(connection)
        for (letter,) in rows(database, "SELECT id FROM dead_letters ORDER BY id"):
            with suppress(DeadLetterRefused):
                redrive(connection, catalog, settings, letter, by="test")
                done += 1
    return done


class Broker:
    """Says about topics what a broker would that knows them."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None

    def make(self, _settings: Settings, _topics: list[str], *, name: str) -> tuple[str, ...]:
        if self.refusal is not None:
            raise KafkaUnavailable(name) from self.refusal
        return ()

    def send(self, *record: object) -> str:
        if self.refusal is not None:
            raise self.refusal
        return f"report of {record[0]}"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(doors, "make_topics", broker.make)
    return broker


def outgoing(stream: Stream = Stream.MESSAGES, *, topic: str = "orders", tenant: int = 1) -> Outgoing:
    origin = Origin(tenant, "incident", "case", 1, "1-1-0", None)
    return Outgoing(3, stream, 1, topic, b"key", b"{}", (), origin if stream is Stream.MESSAGES else None)


def hand_over(at: Doors, broker: Broker, record: Outgoing) -> object:
    """Hand a record over when any rest is past; give the report, or the class of what was raised."""
    at._closed = {topic: closed._replace(until=0.0) for topic, closed in at._closed.items()}
    try:
        return at.hand_over(broker, record, deadline=math.inf)
    except FoliotError as error:
        return type(error)


FORBIDDEN = TopicAuthorizationFailedError("no")


def test_a_topic_without_rights_is_waited_for_and_then_refused(broker: Broker):
    at = Doors(Settings(topic_patience_s=0.2), name="test")
    broker.refusal = FORBIDDEN

    first = hand_over(at, broker, outgoing())
    time.sleep(0.3)
    while_all_are_refused = hand_over(at, broker, outgoing())
    at.confirm(outgoing(topic="others"))
    later = hand_over(at, broker, outgoing())
    of_changes = hand_over(at, broker, outgoing(Stream.CHANGES))
    second_topic = hand_over(at, broker, outgoing(topic="second"))
    of_another_tenant = hand_over(at, broker, outgoing(topic="third", tenant=2))
    broker.refusal = None
    healed = hand_over(at, broker, outgoing())
    at.confirm(outgoing())
    again = at.judge(outgoing(), FORBIDDEN)

    assert (first, while_all_are_refused, later) == (KafkaUnavailable, KafkaUnavailable, TopicRefused)
    assert (of_changes, second_topic, of_another_tenant) == (KafkaUnavailable, TopicRefused, KafkaUnavailable)
    assert healed == "report of orders"
    assert type(again) is KafkaUnavailable


@pytest.mark.parametrize(
    "error",
    [
        KafkaTimeoutError("late"),
        NodeNotReadyError("away"),
        KafkaUnavailable("cut"),
        InvalidReplicationFactorError("a broker is down"),
        ClusterAuthorizationFailedError("no rights at all"),
    ],
)
def test_what_is_no_fault_of_the_topic_refuses_nothing(broker: Broker, error: Exception):
    at = Doors(Settings(topic_patience_s=0.0), name="test")
    broker.refusal = error
    at.confirm(outgoing(topic="others"))

    assert [hand_over(at, broker, outgoing()) for _ in range(2)] == [KafkaUnavailable] * 2


class Report:
    """What a producer says of a record in the end."""

    is_done = True

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def get(self, timeout: float) -> None:
        assert timeout >= 0
        if self.error is not None:
            raise self.error


class StrictProducer:
    """Gives up all that is on its way where one record is too large for its topic, as kafka-python does."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.waiting: list[tuple[str, Report]] = []
        self.log: list[str] = []

    def send(self, topic: str, value: bytes, *_: object) -> Report:
        assert topic
        report = Report(None)
        self.waiting.append((json.loads(value)["id"], report))
        if len(value) > self.bytes_max:
            for _, each in self.waiting:
                each.error = MessageSizeTooLargeError("too large")
        elif any(each.error for _, each in self.waiting):
            report.error = MessageSizeTooLargeError("too large")
        else:
            self.log.append(json.loads(value)["id"])
        return report

    def close(self, timeout: float) -> None:
        assert timeout == 0


@pytest.mark.usefixtures("broker")
def test_what_a_producer_gives_up_beside_a_record_that_is_too_large_is_sent_again(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
):
    producers: list[StrictProducer] = []

    def make(*_: object, **__: object) -> StrictProducer:
        producers.append(StrictProducer(10_000))
        return producers[-1]

    monkeypatch.setattr(relay, "make_producer", make)
    write_messages(fresh_database, "orders", 5)
    large = json.dumps({"id": "3-2", "number": 2, "data": "x" * 20_000})
    rows(fresh_database, "UPDATE outbox SET body = %s WHERE shard = 3 AND number = 2 RETURNING 1", [large])

    with relaying(settings.model_copy(update={"changes_topic": ""})):
        eventually(lambda: marks(fresh_database, "sent") == [5, 5])

    sent = list(dict.fromkeys(id_ for each in producers for id_ in each.log))
    assert [id_ for id_ in sent if id_.startswith("3")] == ["3-1", "3-3", "3-4", "3-5"]
    assert [id_ for id_ in sent if id_.startswith("9")] == [f"9-{number}" for number in range(1, 6)]
    assert [(code, id_) for code, _, _, _, id_, _, _ in letters(fresh_database)] == [("message_too_large", "3-2")]


def test_a_name_that_collides_with_another_is_refused_at_once(broker: Broker):
    at = Doors(Settings(), name="test")
    broker.refusal = InvalidTopicError("Topic 'a.b' collides with existing topics: a_b")

    assert hand_over(at, broker, outgoing()) is TopicRefused


def test_when_the_time_is_up_no_topic_is_made(broker: Broker):
    at = Doors(Settings(), name="test")

    with pytest.raises(KafkaUnavailable, match="all the time"):
        at.hand_over(broker, outgoing(), deadline=0.0)
    assert hand_over(at, broker, outgoing()) == "report of orders"


def test_changes_are_announced_in_batches_of_one_shard_with_no_gap(settings: Settings, fresh_database: Database):
    for shard in SHARDS:
        write_journal(fresh_database, shard, 450)

    with relaying(settings):
        eventually(lambda: marks(fresh_database, "changes") == [450, 450])

    found = read_topic(settings, settings.changes_topic, 6)
    for shard in SHARDS:
        batches = [json.loads(each.value) for each in found if each.key == str(shard).encode()]
        assert [len(batch) for batch in batches] == [200, 200, 50]
        assert [change["data"]["n"] for batch in batches for change in batch] == list(range(1, 451))
    first = json.loads(next(each.value for each in found if each.key == b"3"))[0]
    assert first == {
        "specversion": "1.0",
        "id": "3-1",
        "source": "foliot",
        "type": "foliot.instance.changed",
        "subject": "default/incident/case-1",
        "time": "2026-01-31T12:00:00.000000Z",
        "data": {
            "shard": 3,
            "n": 1,
            "instance": 4099,
            "tenant": "default",
            "machine": "incident",
            "key": "case-1",
            "kind": "start",
            "outcome": "taken",
            "position": 1,
            "version": 1,
            "event_id": "e-1",
            "event_type": "reported",
            "state_hash": "01",
        },
    }
    assert dict(found[0].headers)["content-type"] == b"application/cloudevents-batch+json"


def test_without_a_changes_topic_no_change_is_announced(settings: Settings, fresh_database: Database):
    quiet = settings.model_copy(update={"changes_topic": ""})
    write_journal(fresh_database, 3, 5)
    write_messages(fresh_database, f"{settings.group}-out", 2)

    with relaying(quiet):
        eventually(lambda: marks(fresh_database, "sent") == [2, 2])

    assert marks(fresh_database, "changes") == [0, 0]
