"""From a Kafka topic into the inbox: once each, with the bad set aside and the good not held up."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import confluent_kafka
import pytest
from addresses import Database, KafkaAt
from integration.ingest.streams import (
    Woken,
    add_machine,
    eventually,
    ingesting,
    producing,
    rows,
    settings_for,
)
from kafka import KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from unit.ingest.bad_records import BAD_RECORDS, STRUCTURED, binary_headers, structured

from foliot.registry import load_catalog
from foliot.runtime.dead_letters import Record, SetAside
from foliot.runtime.intake import Arrival
from foliot.settings import Settings
from foliot.store import connect
from foliot_ingest import reader
from foliot_ingest.codes import CODES
from foliot_ingest.consumer import ingest
from foliot_ingest.membership import joined
from foliot_ingest.routing import decode_again
from foliot_ingest.topics import make_topics, own_topics


@pytest.fixture
def settings(fresh_database: Database, kafka_server: KafkaAt) -> Settings:
    add_machine(fresh_database)
    settings = settings_for(fresh_database, kafka_server, event_bytes_max=2048, event_depth_max=8)
    make_topics(settings, own_topics(settings), name="test")
    return settings


def send(settings: Settings, *values: bytes, lane: str = "normal", partition: int | None = None) -> None:
    with producing(settings) as producer:
        for value in values:
            topic = f"{settings.topic_prefix}.{lane}"
            producer.send(topic, value, headers=list(STRUCTURED), partition=partition)


def accepted(database: Database) -> list[str]:
    return [id_ for (id_,) in rows(database, "SELECT event_id FROM inbox ORDER BY shard, queue, number")]


def taken(database: Database) -> int:
    count: int = rows(database, "SELECT coalesce(sum(next - first), 0)::int FROM intakes")[0][0]
    return count


def test_events_of_all_lanes_arrive_with_their_lane_and_wake_their_shards(settings: Settings, fresh_database: Database):
    for lane in ("critical", "high", "normal", "low"):
        send(settings, structured(id=lane, subject=lane), lane=lane)

    with ingesting(settings) as woken:
        eventually(lambda: len(accepted(fresh_database)) == 4)

    found = dict(rows(fresh_database, "SELECT event_id, queue FROM inbox"))
    assert found == {"critical": 0, "high": 2, "normal": 4, "low": 6}
    assert sorted(woken.shards.values()) == [False, False, True, True]


def test_events_of_one_partition_keep_their_order(settings: Settings, fresh_database: Database):
    ids = [f"e-{number}" for number in range(3000)]
    send(settings, *(structured(id=id_) for id_ in ids), partition=0)

    with ingesting(settings):
        eventually(lambda: len(accepted(fresh_database)) == len(ids))

    assert accepted(fresh_database) == ids


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_what_other_producers_have_compressed_is_taken_in(settings: Settings, fresh_database: Database, codec: str):
    ids = [f"e-{number}" for number in range(1000)]
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": settings.kafka, "compression.type": codec, "linger.ms": 50}
    )
    for id_ in ids:
        value = structured(id=id_)
        producer.produce(f"{settings.topic_prefix}.low", value, headers=list(STRUCTURED), partition=1)
    assert producer.flush(30) == 0

    with ingesting(settings):
        eventually(lambda: len(accepted(fresh_database)) == len(ids))

    assert accepted(fresh_database) == ids


def test_a_binary_event_arrives_as_a_structured_one_does(settings: Settings, fresh_database: Database):
    with producing(settings) as producer:
        headers = [(name, value or b"") for name, value in binary_headers()]
        topic = f"{settings.topic_prefix}.high"
        producer.send(topic, b'{"severity": 2}', b"default/incident/case-1", headers=headers)

    with ingesting(settings):
        eventually(lambda: accepted(fresh_database))

    assert rows(fresh_database, "SELECT event_id, type, key, data FROM inbox") == [
        ("e-1", "reported", "case-1", '{"severity":2}')
    ]


def test_every_bad_record_is_set_aside_with_reason_and_position_while_its_neighbours_are_accepted(
    settings: Settings, fresh_database: Database
):
    topic = f"{settings.topic_prefix}.normal"
    with producing(settings) as producer:
        for number, bad in enumerate(BAD_RECORDS):
            producer.send(topic, structured(id=f"good-{number}"), headers=list(STRUCTURED), partition=0)
            producer.send(topic, bad.value, bad.key, headers=list(bad.headers), partition=0)
        producer.send(topic, structured(id="last"), headers=list(STRUCTURED), partition=0)

    with ingesting(settings):
        eventually(lambda: "last" in accepted(fresh_database))

    letters = rows(
        fresh_database, 'SELECT "offset", code, what, remedy, place, raw FROM dead_letters ORDER BY "offset"'
    )
    assert [(offset, code) for offset, code, *_ in letters] == [
        (2 * number + 1, bad.code) for number, bad in enumerate(BAD_RECORDS)
    ]
    assert all(what and remedy for _, _, what, remedy, _, _ in letters)
    assert all(place.startswith(f"{topic}[0]@{offset}") for offset, _, _, _, place, _ in letters)
    assert [raw for *_, raw in letters] == [bad.value for bad in BAD_RECORDS]
    assert len({bad.code for bad in BAD_RECORDS}) >= 20
    assert {bad.code for bad in BAD_RECORDS} <= CODES.keys()
    assert len(accepted(fresh_database)) == len(BAD_RECORDS) + 1


def test_an_event_that_a_producer_sends_again_is_taken_once(settings: Settings, fresh_database: Database):
    values = [structured(id=f"e-{number}") for number in range(50)]
    send(settings, *values, *values, partition=0)
    send(settings, *values, structured(id="last"), partition=1)

    with ingesting(settings):
        eventually(lambda: "last" in accepted(fresh_database) and taken(fresh_database) == 151)

    assert len(accepted(fresh_database)) == 51
    assert rows(fresh_database, "SELECT sum(accepted), sum(duplicates), sum(dead) FROM intakes") == [(51, 100, 0)]


def test_an_event_for_a_machine_that_was_published_a_moment_ago_is_accepted(
    settings: Settings, fresh_database: Database
):
    send(settings, structured(id="before"))
    with ingesting(settings):
        eventually(lambda: accepted(fresh_database) == ["before"])
        add_machine(fresh_database, "brand-new")
        send(settings, structured(id="after", foliotmachine="brand-new"))
        eventually(lambda: taken(fresh_database) == 2)

    assert sorted(accepted(fresh_database)) == ["after", "before"]
    assert rows(fresh_database, "SELECT code FROM dead_letters") == []


def test_the_place_where_an_ingester_ended_is_where_the_next_begins(settings: Settings, fresh_database: Database):
    send(settings, structured(id="before"))
    with ingesting(settings):
        eventually(lambda: accepted(fresh_database) == ["before"])
    send(settings, structured(id="between"))

    with ingesting(settings):
        eventually(lambda: len(accepted(fresh_database)) == 2)

    spans = rows(fresh_database, "SELECT topic_id, partition, first, next FROM intakes ORDER BY 1, 2, 3")
    assert len(spans) == 2
    assert rows(fresh_database, "SELECT sum(duplicates) FROM intakes") == [(0,)]


def test_two_groups_that_fight_for_the_same_partitions_take_each_record_once(
    settings: Settings, fresh_database: Database
):
    rival = settings.model_copy(update={"group": f"{settings.group}-rival"})
    ids = [f"e-{number}" for number in range(2000)]

    with ingesting(settings), ingesting(rival):
        for start in range(0, len(ids), 200):
            send(settings, *(structured(id=id_, subject=id_) for id_ in ids[start : start + 200]))
        eventually(lambda: len(accepted(fresh_database)) >= len(ids), seconds=60)

    assert sorted(accepted(fresh_database)) == sorted(ids)
    assert rows(fresh_database, "SELECT sum(accepted), sum(duplicates) FROM intakes") == [(len(ids), 0)]
    gaps = rows(
        fresh_database,
        "SELECT * FROM (SELECT first, lag(next) OVER (PARTITION BY topic_id, partition ORDER BY first) AS before "
        "FROM intakes) spans WHERE first <> before",
    )
    assert gaps == []


def clients_made(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[KafkaConsumer], None] = lambda _: None, *, of: int = 1_000
) -> list[KafkaConsumer]:
    """Give the list into which all clients of readers will come, the first `of` of them changed."""
    clients: list[KafkaConsumer] = []
    make = reader.make_consumer

    def make_consumer(*args: Any, **named: Any) -> KafkaConsumer:
        client = make(*args, **named)
        if len(clients) < of:
            change(client)
        clients.append(client)
        return client

    monkeypatch.setattr(reader, "make_consumer", make_consumer)
    return clients


# A client that is closed while it connects leaves its socket to the garbage collector (kafka-python).
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
def test_a_reader_that_hears_nothing_of_its_group_begins_again_with_another_client(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
):
    clients = clients_made(monkeypatch)
    monkeypatch.setattr(reader, "JOIN_S_MAX", 0.0)
    send(settings, structured(id="late"))

    with ingesting(settings):
        eventually(lambda: len(clients) > 2)
        monkeypatch.setattr(reader, "JOIN_S_MAX", 30.0)
        eventually(lambda: accepted(fresh_database) == ["late"])
    gc.collect()


def test_a_reader_whose_client_gives_nothing_begins_again_with_another(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
):
    def fall_silent(client: KafkaConsumer) -> None:
        poll = client.poll
        client.poll = lambda **kw: time.sleep(0.05) or {} if client.assignment() else poll(**kw)

    # The first client of each reader finds its partitions and gives nothing.
    clients = clients_made(monkeypatch, fall_silent, of=2)
    monkeypatch.setattr(reader, "PROGRESS_S", 0.5)
    send(settings, structured(id="late"))

    with ingesting(settings):
        eventually(lambda: accepted(fresh_database) == ["late"])

    assert len(clients) > 2


def test_a_reader_takes_an_assignment_however_long_its_client_is_away_between_polls(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
):
    def poll_seldom(client: KafkaConsumer) -> None:
        poll = client.poll
        # What comes later than a short poll lasts comes between two polls.
        client.poll = lambda **kw: (client.assignment() or time.sleep(1.5), poll(**kw))[1]

    clients_made(monkeypatch, poll_seldom)
    send(settings, structured(id="early"))

    with ingesting(settings):
        eventually(lambda: accepted(fresh_database) == ["early"])


class Withholding(RangePartitionAssignor):
    """Gives the members of a group one partition less of each topic than there are."""

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        given = super().assign(cluster, members)
        for assignment in given.values():
            assignment.assigned_partitions = [(topic, numbers[1:]) for topic, numbers in assignment.assigned_partitions]
        return given


def test_a_reader_begins_again_where_its_group_leaves_a_partition_to_nobody(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
):
    def withhold(client: KafkaConsumer) -> None:
        client._coordinator._assignors["range"] = Withholding()

    clients = clients_made(monkeypatch, withhold, of=2)
    monkeypatch.setattr(reader, "_REVIEW_S", 0.5)
    send(settings, structured(id="withheld"), partition=0)

    with ingesting(settings):
        eventually(lambda: accepted(fresh_database) == ["withheld"])

    assert len(clients) > 2


def test_an_ingester_for_which_no_partition_is_left_goes_on_with_its_clients(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    clients = clients_made(monkeypatch)
    monkeypatch.setattr(reader, "_REVIEW_S", 0.5)
    # Being away for seconds, as on a busy machine, is no reason to begin again either.
    monkeypatch.setattr(reader, "JOIN_S_MAX", 60.0)
    changes = {"topic_prefix": f"{settings.topic_prefix}-narrow", "topic_partitions": 1, "session_timeout_ms": 12_000}
    narrow = settings.model_copy(update=changes)
    make_topics(narrow, own_topics(narrow), name="test")

    with ingesting(narrow), ingesting(narrow):
        eventually(lambda: len(clients) >= 4 and all(map(joined, clients)))
        before = list(clients)
        threading.Event().wait(3.0)

        assert clients == before


def test_an_offset_outside_the_log_stops_its_partition_alone_and_raises_an_alarm(
    settings: Settings, fresh_database: Database
):
    send(settings, structured(id="a"), partition=0)
    with ingesting(settings):
        eventually(lambda: accepted(fresh_database) == ["a"])
    rows(fresh_database, "UPDATE offsets SET next = 999 WHERE next = 1 RETURNING next")
    send(settings, structured(id="lost"), partition=0)
    send(settings, structured(id="b"), partition=1)

    with ingesting(settings):
        eventually(lambda: "b" in accepted(fresh_database))
        stopped = eventually(lambda: rows(fresh_database, "SELECT next FROM offsets WHERE stopped IS NOT NULL"))

    assert stopped == [(999,)]
    assert rows(fresh_database, "SELECT code FROM alarms") == [("partition_stopped",)]
    assert sorted(accepted(fresh_database)) == ["a", "b"]


class OfNoText(str):
    """A header's name whose bytes are no UTF-8; brokers take it."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff"


@pytest.mark.parametrize("codec", [None, "gzip"])
def test_a_record_that_cannot_be_read_stops_its_partition_and_no_other_until_an_operator_lets_it_go_on(
    settings: Settings, fresh_database: Database, codec: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reader, "_REVIEW_S", 0.5)
    topic = f"{settings.topic_prefix}.normal"
    send(settings, structured(id="before"), partition=0)
    with producing(settings, compression_type=codec) as producer:
        producer.send(topic, structured(id="unreadable"), headers=[(OfNoText("name"), b"x" * 100)], partition=0)
    send(settings, structured(id="behind"), partition=0)

    with ingesting(settings):
        eventually(lambda: stopped_at(fresh_database) == [1])
        send(settings, structured(id="beside"), partition=1)
        eventually(lambda: "beside" in accepted(fresh_database))
        rows(fresh_database, "UPDATE offsets SET stopped = NULL WHERE stopped IS NOT NULL RETURNING 1")
        eventually(lambda: stopped_at(fresh_database) == [1])
        rows(fresh_database, "UPDATE offsets SET stopped = NULL, next = 2 WHERE stopped IS NOT NULL RETURNING 1")
        eventually(lambda: "behind" in accepted(fresh_database))

    whats = rows(fresh_database, "SELECT code, what FROM alarms")
    assert [(code, "offset 1 cannot be read" in what) for code, what in whats] == [("partition_stopped", True)] * 2
    assert sorted(accepted(fresh_database)) == ["before", "behind", "beside"]


def stopped_at(database: Database) -> list[int]:
    return [following for (following,) in rows(database, "SELECT next FROM offsets WHERE stopped IS NOT NULL")]


def test_a_full_inbox_pauses_the_low_lane_and_lets_urgent_ones_through(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
):
    clients = clients_made(monkeypatch)
    low = {TopicPartition(f"{settings.topic_prefix}.low", number) for number in range(settings.topic_partitions)}
    tight = settings.model_copy(update={"inbox_depth_max": 100, "ingest_batch": 50})
    send(settings, *(structured(id=f"normal-{number}") for number in range(120)))

    with ingesting(tight):
        eventually(lambda: len(accepted(fresh_database)) == 120)
        eventually(lambda: low <= set().union(*(client.paused() for client in clients)))
        send(settings, structured(id="low"), lane="low")
        send(settings, structured(id="high"), lane="high")
        eventually(lambda: "high" in accepted(fresh_database))
        threading.Event().wait(1.0)
        assert "low" not in accepted(fresh_database)
        rows(
            fresh_database, "UPDATE cursors c SET numbers = h.numbers FROM heads h WHERE h.shard = c.shard RETURNING 1"
        )
        eventually(lambda: "low" in accepted(fresh_database))


def test_batches_are_short_while_a_front_door_brings_events(settings: Settings, fresh_database: Database):
    small = settings.model_copy(update={"ingest_batch": 40})
    rows(fresh_database, "UPDATE heads SET front_at = clock_timestamp() + interval '1 hour' RETURNING 1")
    send(settings, *(structured(id=f"e-{number}") for number in range(200)), partition=0)

    with ingesting(small):
        eventually(lambda: taken(fresh_database) == 200)

    # The first one cannot know.
    _, *others = rows(fresh_database, "SELECT (next - first)::int FROM intakes ORDER BY first")
    assert max(size for (size,) in others) == 10


def test_a_lost_connection_to_postgres_loses_and_doubles_nothing(settings: Settings, fresh_database: Database):
    ids = [f"e-{number}" for number in range(1500)]

    with ingesting(settings):
        for start in range(0, len(ids), 150):
            send(settings, *(structured(id=id_, subject=id_) for id_ in ids[start : start + 150]))
            terminate_ingesters(fresh_database)
        eventually(lambda: len(accepted(fresh_database)) >= len(ids), seconds=60)

    assert sorted(accepted(fresh_database)) == sorted(ids)


def terminate_ingesters(database: Database) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'foliot-ingest%'"
        )


def test_a_dead_letter_becomes_an_arrival_once_its_machine_is_there(settings: Settings, fresh_database: Database):
    send(settings, structured(foliotmachine="order"))
    with ingesting(settings):
        letters = eventually(
            lambda: rows(fresh_database, 'SELECT raw, headers, topic_id, topic, partition, "offset" FROM dead_letters')
        )
    raw, headers, *place = letters[0]

    with connect(fresh_database.service, application="test") as connection:
        before = decode_again(raw, headers, Record(*place), settings, load_catalog(connection))
        add_machine(fresh_database, "order")
        after = decode_again(raw, headers, Record(*place), settings, load_catalog(connection))

    assert isinstance(before, SetAside)
    assert isinstance(after, Arrival)
    assert (after.event_id, after.key, after.lane) == ("e-1", "case-1", 2)


def test_an_ingester_that_is_told_to_stop_before_kafka_answers_stops(fresh_database: Database):
    settings = settings_for(fresh_database, KafkaAt("127.0.0.1:1", durable=False))
    stop = threading.Event()
    thread = threading.Thread(target=ingest, args=(settings,), kwargs={"wake": Woken(), "stop": stop})

    thread.start()
    stop.set()
    thread.join(timeout=60)

    assert not thread.is_alive()
