"""Kafka by TLS, with certificates and with passwords: the whole way in and out, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from addresses import Database, KafkaAt
from integration.ingest.secured_kafka import KEY_PASSWORD, PASSWORD, USER, SecuredKafka
from integration.ingest.streams import add_machine, eventually, ingesting, relaying, rows, settings_for, write_messages
from kafka import TopicPartition

from foliot.cli.addresses import BadSettings
from foliot.cloudevents import Event
from foliot.local.apache_kafka import jars_folder
from foliot.producer import KafkaUnavailable
from foliot.settings import Settings
from foliot_ingest.checking import check_kafka
from foliot_ingest.kafka_clients import have_records, make_consumer, security
from foliot_ingest.sending import connected_producer
from foliot_ingest.topics import make_topics, own_topics

pytestmark = pytest.mark.skipif(not jars_folder().exists(), reason="Apache Kafka's jars are not installed")


@pytest.fixture(scope="module")
def secured(servers_root: Path) -> Iterator[SecuredKafka]:
    root = servers_root / "secured"
    root.mkdir()
    broker = SecuredKafka(root)
    broker.start()
    broker.add_user()
    yield broker
    broker.stop()


def by_certificate(broker: SecuredKafka) -> dict[str, Any]:
    return {
        "kafka": f"127.0.0.1:{broker.tls}",
        "kafka_security_protocol": "SSL",
        "kafka_ssl_cafile": str(broker.authority),
        "kafka_ssl_certfile": str(broker.client),
    }


def by_password(broker: SecuredKafka, mechanism: str) -> dict[str, Any]:
    return {
        "kafka": f"127.0.0.1:{broker.sasl}",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": mechanism,
        "kafka_sasl_username": USER,
        "kafka_sasl_password": PASSWORD,
        "kafka_ssl_cafile": str(broker.authority),
    }


@pytest.fixture
def site(fresh_database: Database) -> Database:
    add_machine(fresh_database)
    return fresh_database


def settings_of(site: Database, said: dict[str, Any]) -> Settings:
    return settings_for(site, KafkaAt("", durable=True)).model_copy(update=said)


@pytest.mark.parametrize("way", ["certificate", "PLAIN", "SCRAM-SHA-512"])
def test_events_come_in_and_messages_go_out(site: Database, secured: SecuredKafka, way: str):
    settings = settings_of(site, by_certificate(secured) if way == "certificate" else by_password(secured, way))
    messages = f"messages-of-{settings.group}"
    make_topics(settings, [*own_topics(settings), messages], name="test")
    with connected_producer(settings, name="test") as producer:
        for number in range(500):
            producer.send(Event(machine="incident", key=f"k{number % 7}", type="reported", id=f"e{number}"))
    write_messages(site, messages, 1)

    with ingesting(settings), relaying(settings):
        eventually(lambda: rows(site, "SELECT count(*) FROM inbox") == [(500,)])
        first = {TopicPartition(messages, 0): 0, TopicPartition(messages, 1): 0}
        eventually(lambda: have_records(settings, first, name="test"))

    (reached, *_) = check_kafka(settings)
    assert (reached.grade, reached.says) == ("ok", f"{settings.kafka} by {security(settings).summary}")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kafka_sasl_password": "wrong"}, "took this client by SASL_SSL, PLAIN, user 'shop'"),
        ({"kafka_ssl_cafile": ""}, "there is no TLS with it: .*certificate verify failed"),
    ],
)
def test_what_a_broker_does_not_take_is_told_without_secrets(
    site: Database, secured: SecuredKafka, changes: dict[str, str], told: str
):
    settings = settings_of(site, {**by_password(secured, "PLAIN"), **changes})

    with pytest.raises(KafkaUnavailable, match=told) as refused:
        make_consumer(settings, group=None, name="test")

    assert refused.value.refusal.remedy.count("FOLIOT_KAFKA_SECURITY_PROTOCOL") == 1
    assert settings.kafka_sasl_password not in str(refused.value)
    assert settings.kafka_sasl_password not in repr(settings)


def test_a_client_without_a_certificate_is_told_so(site: Database, secured: SecuredKafka):
    settings = settings_of(site, {**by_certificate(secured), "kafka_ssl_certfile": ""})

    with pytest.raises(KafkaUnavailable, match="took this client by SSL"):
        make_consumer(settings, group=None, name="test")


def test_a_listener_of_the_other_kind_is_told(site: Database, secured: SecuredKafka):
    with pytest.raises(KafkaUnavailable, match="there is no TLS with it"):
        make_consumer(settings_of(site, {**by_certificate(secured), "kafka": secured.address}), group=None, name="test")
    with pytest.raises(KafkaUnavailable, match="took this client by PLAINTEXT"):
        make_consumer(settings_of(site, {"kafka": f"127.0.0.1:{secured.tls}"}), group=None, name="test")


def test_an_encrypted_key_in_a_file_of_its_own_is_read(site: Database, secured: SecuredKafka):
    own_key = {"kafka_ssl_keyfile": str(secured.client_key), "kafka_ssl_password": KEY_PASSWORD}

    settings = settings_of(site, {**by_certificate(secured), **own_key})

    make_consumer(settings, group=None, name="test").close()


def test_a_wrong_password_of_a_key_is_refused_before_anything_is_sent(site: Database, secured: SecuredKafka):
    own_key = {"kafka_ssl_keyfile": str(secured.client_key), "kafka_ssl_password": "wrong"}

    with pytest.raises(BadSettings, match="FOLIOT_KAFKA_SSL_CERTFILE"):
        make_consumer(settings_of(site, {**by_certificate(secured), **own_key}), group=None, name="test")


def test_certificates_that_are_being_renewed_are_waited_for(site: Database, secured: SecuredKafka, tmp_path: Path):
    renewed = tmp_path / "ca.pem"
    renewed.write_text("half of a cert")
    settings = settings_of(site, by_certificate(secured))
    messages = f"messages-of-{settings.group}"
    make_topics(settings, [*own_topics(settings), messages], name="test")
    with connected_producer(settings, name="test") as producer:
        producer.send(Event(machine="incident", key="k", type="reported"))
    write_messages(site, messages, 1)
    renewing = settings.model_copy(update={"kafka_ssl_cafile": str(renewed)})

    with structlog.testing.capture_logs() as told, ingesting(renewing), relaying(renewing):
        eventually(lambda: {"session_lost", "relay_interrupted"} <= {line["event"] for line in told})
        renewed.write_bytes(secured.authority.read_bytes())
        eventually(lambda: rows(site, "SELECT count(*) FROM inbox") == [(1,)])
        eventually(lambda: rows(site, "SELECT sent FROM relays WHERE shard = 3") == [(1,)])
