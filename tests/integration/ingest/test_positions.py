"""Where partitions are placed, on a real broker: at the offset in Postgres, or stopped; never anywhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from addresses import Database, KafkaAt
from integration.ingest.streams import rows, settings_for
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from foliot.producer import KafkaUnavailable
from foliot.settings import Settings
from foliot.store import Conflict, connect
from foliot_ingest.kafka_clients import have_records, make_consumer
from foliot_ingest.positions import Positions
from foliot_ingest.topics import make_topics


@pytest.fixture
def settings(fresh_database: Database, kafka_server: KafkaAt) -> Settings:
    return settings_for(fresh_database, kafka_server)


@pytest.fixture
def place(settings: Settings) -> TopicPartition:
    topic = f"{settings.topic_prefix}.normal"
    make_topics(settings, [topic], name="test")
    return TopicPartition(topic, 0)


@pytest.fixture
def consumer(settings: Settings, place: TopicPartition) -> Iterator[KafkaConsumer]:
    consumer = make_consumer(settings, group=None, name="test")
    consumer.assign([place])
    yield consumer
    consumer.close(autocommit=False)


def send_in_one_batch(settings: Settings, place: TopicPartition, count: int) -> list[int]:
    # Nothing leaves before the flush, which sends all.
    producer = KafkaProducer(bootstrap_servers=settings.kafka, linger_ms=10_000)
    sent = [producer.send(place.topic, b"{}", partition=place.partition) for _ in range(count)]
    producer.flush(timeout=60)
    offsets = [future.get(timeout=60).offset for future in sent]
    producer.close(timeout=60)
    return offsets


def store(settings: Settings, place: TopicPartition, following: int) -> None:
    with connect(settings.dsn_service, application="test") as connection:
        connection.execute(
            "INSERT INTO offsets (topic_id, partition, topic, next) VALUES ('id', %s, %s, %s)",
            (place.partition, place.topic, following),
        )


def placed(settings: Settings, consumer: KafkaConsumer, place: TopicPartition) -> Positions:
    positions = Positions(settings, consumer, writer="test")
    with connect(settings.dsn_service, application="test") as connection:
        positions.place(connection, {place.topic: "id"})
    return positions


def test_a_partition_that_was_read_to_the_end_of_a_batch_goes_on_there(
    settings: Settings, consumer: KafkaConsumer, place: TopicPartition
):
    send_in_one_batch(settings, place, 2)
    end = send_in_one_batch(settings, place, 10)[-1] + 1
    store(settings, place, end)

    positions = placed(settings, consumer, place)

    assert positions.stopped() == ()
    assert positions.standings[place].next == end
    assert send_in_one_batch(settings, place, 1) == [end]
    assert [record.offset for record in consumer.poll(timeout_ms=60_000)[place]] == [end]


def test_a_partition_that_was_read_into_the_midst_of_a_batch_goes_on_there(
    settings: Settings, consumer: KafkaConsumer, place: TopicPartition
):
    send_in_one_batch(settings, place, 10)
    store(settings, place, 6)

    positions = placed(settings, consumer, place)

    assert positions.stopped() == ()
    assert [record.offset for record in consumer.poll(timeout_ms=60_000)[place]] == [6, 7, 8, 9]


def test_an_offset_that_lies_one_beyond_the_end_stops_its_partition(
    settings: Settings, fresh_database: Database, consumer: KafkaConsumer, place: TopicPartition
):
    send_in_one_batch(settings, place, 10)
    store(settings, place, 11)

    positions = placed(settings, consumer, place)

    assert positions.stopped() == (place,)
    assert consumer.paused() == {place}
    [(following, stopped)] = rows(fresh_database, "SELECT next, stopped FROM offsets")
    assert following == 11
    assert "offset 11 is outside the log" in stopped
    assert rows(fresh_database, "SELECT code FROM alarms") == [("partition_stopped",)]


def test_a_former_owner_that_was_asleep_does_not_stop_a_partition_that_another_reads_on(
    settings: Settings, fresh_database: Database, consumer: KafkaConsumer, place: TopicPartition
):
    send_in_one_batch(settings, place, 10)
    store(settings, place, 3)
    asleep = placed(settings, consumer, place)
    rows(fresh_database, "UPDATE offsets SET next = 8 RETURNING next")

    with connect(settings.dsn_service, application="test") as connection, pytest.raises(Conflict):
        asleep.stop(connection, place, "offset 3 is outside the log")

    assert rows(fresh_database, "SELECT next, stopped FROM offsets") == [(8, None)]
    assert rows(fresh_database, "SELECT code FROM alarms") == []


def test_a_record_is_found_where_others_are_missed(settings: Settings, place: TopicPartition):
    other = TopicPartition(place.topic, 1)
    send_in_one_batch(settings, place, 3)
    send_in_one_batch(settings, other, 3)

    found = have_records(settings, {place: 3, other: 2}, name="test")

    assert found == {other}


def test_a_broker_that_is_away_does_not_say_that_a_record_is_missing(settings: Settings, place: TopicPartition):
    away = settings.model_copy(update={"kafka": "127.0.0.1:1"})

    with pytest.raises(KafkaUnavailable):
        have_records(away, {place: 0}, name="test")
