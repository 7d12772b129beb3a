"""From the outbox and the journal to Kafka: in order, and marked after Kafka has it."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
import pytest
from addresses import Database, KafkaAt
from integration.ingest.streams import add_machine, eventually, relaying, rows, settings_for
from kafka import KafkaConsumer, TopicPartition

from foliot.settings import Settings
from foliot_ingest.topics import make_topics

SHARDS = (3, 9)


@pytest.fixture
def settings(fresh_database: Database, kafka_server: KafkaAt) -> Settings:
    add_machine(fresh_database)
    settings = settings_for(fresh_database, kafka_server)
    return settings.model_copy(update={"grace_s": 4.0})


def write_messages(database: Database, topic: str, count: int, *, first: int = 1, late: int = 0) -> None:
    """Write numbered messages to the outbox of each shard, as a step would; the first `late` into outbox_late."""
    with psycopg.connect(database.service) as connection, connection.cursor() as cursor:
        for shard in SHARDS:
            for number in range(first, first + count):
                body = json.dumps({"id": f"{shard}-{number}", "number": number})
                values = (shard, number, 1, 1, f"case-{shard}", number, f"{shard}-{number}", topic, body)
                if number - first < late:
                    cursor.execute(
                        "INSERT INTO outbox_late (shard, number, tenant, machine, key, n, id, topic, body) "
                        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                        values,
                    )
                else:
                    cursor.execute(
                        "INSERT INTO outbox (segment, shard, number, tenant, machine, key, n, id, topic, body) "
                        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                        (number % 4, *values),
                    )
            cursor.execute("UPDATE cursors SET outbox = %s WHERE shard = %s", [first + count - 1, shard])


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
        deadline = time.monotonic() + 20
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
    for key in keys(found):
        assert [json.loads(each.value)["number"] for each in found if each.key == key] == list(range(1, 401))


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


def test_a_topic_that_cannot_be_made_holds_up_its_shard_alone_and_raises_an_alarm(
    settings: Settings, fresh_database: Database
):
    topic = f"{settings.group}-out"
    write_messages(fresh_database, topic, 5)
    rows(fresh_database, "UPDATE outbox SET topic = 'no such topic!' WHERE shard = 3 AND number = 3 RETURNING 1")

    with relaying(settings):
        eventually(lambda: marks(fresh_database, "sent") == [2, 5])

    assert rows(fresh_database, "SELECT code, shard FROM alarms") == [("relay_blocked", 3)]


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
