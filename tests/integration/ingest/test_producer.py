"""The producer with a real broker: what it sends is taken in, and what it cannot send it says."""

from __future__ import annotations

import pytest
from addresses import Database, KafkaAt
from integration.ingest.streams import add_machine, eventually, ingesting, rows, settings_for

from foliot.cloudevents import Event, EventRefused
from foliot.local.free_ports import free_port
from foliot.producer import Delivery, KafkaUnavailable, NotDelivered, Producer
from foliot.settings import Settings
from foliot_ingest.topics import make_topics, own_topics


@pytest.fixture
def site(fresh_database: Database, kafka_server: KafkaAt) -> Settings:
    add_machine(fresh_database)
    settings = settings_for(fresh_database, kafka_server)
    make_topics(settings, own_topics(settings), name="test")
    return settings


def reported(number: int) -> Event:
    return Event(machine="incident", key=f"case-{number}", type="reported", data={"a": number}, id=f"e{number}")


def test_events_of_both_modes_arrive_once_however_often_they_are_sent(site: Settings, fresh_database: Database):
    told: list[Delivery] = []
    events = [reported(number) for number in range(50)]
    with (
        ingesting(site),
        Producer(site.kafka, topic_prefix=site.topic_prefix) as structured,
        Producer(site.kafka, topic_prefix=site.topic_prefix, mode="binary") as binary,
    ):
        sendings = [producer.send(event) for producer in (structured, binary) for event in events]
        sendings[0].add_done_callback(lambda future: told.append(future.result()))
        structured.flush()
        binary.flush()
        places = [sending.result(timeout=0) for sending in sendings]
        eventually(lambda: sum(next_ for (next_,) in rows(fresh_database, "SELECT next FROM offsets")) == 100)

    assert rows(fresh_database, "SELECT count(*), count(DISTINCT event_id) FROM inbox") == [(50, 50)]
    assert rows(fresh_database, "SELECT code FROM dead_letters") == []
    assert len(set(places)) == 100
    assert told == places[:1]
    # One instance, one partition: its order holds.
    assert all(places[number].partition == places[number + 50].partition for number in range(50))


def test_a_bad_event_is_refused_and_nothing_is_sent(site: Settings):
    with Producer(site.kafka, topic_prefix=site.topic_prefix) as producer, pytest.raises(EventRefused):
        producer.send(Event(machine="incident", key="", type="reported"))


def test_a_topic_that_is_not_there_fails_the_future_with_what_to_do(site: Settings):
    with Producer(site.kafka, topic_prefix="no-such-prefix!") as producer:
        sending = producer.send(reported(1))

        with pytest.raises(NotDelivered, match="foliot topics"):
            sending.result(timeout=30)


def test_a_broker_that_is_not_there_is_said_at_once():
    with pytest.raises(KafkaUnavailable):
        Producer(f"127.0.0.1:{free_port()}")
