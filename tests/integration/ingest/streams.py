"""What tests of Kafka in and Kafka out share: settings of their own, records, and ingesters that run in threads."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from addresses import Database, KafkaAt
from kafka import KafkaProducer

from foliot.settings import Settings
from foliot_ingest.consumer import ingest
from foliot_ingest.relay import Relay

SHARDS = (3, 9)
"""Those that `write_messages` writes to."""


@dataclass
class Woken:
    """Remembers which shards it was told of."""

    shards: dict[int, bool] = field(default_factory=dict)

    def wake(self, shards: Mapping[int, bool]) -> None:
        self.shards.update(shards)


def settings_for(database: Database, kafka: KafkaAt, **changes: Any) -> Settings:
    """Make settings with topics and groups that no other test has."""
    own = secrets.token_hex(4)
    values = {
        "dsn_owner": database.owner,
        "dsn_service": database.service,
        "kafka": kafka.address,
        "topic_prefix": f"events-{own}",
        "changes_topic": f"changes-{own}",
        "group": f"ingest-{own}",
        "topic_partitions": 2,
        # Apache Kafka allows no less than 6 s.
        "session_timeout_ms": 6000 if kafka.durable else 3000,
        "ingest_poll_ms": 100,
        "testing": True,
    }
    return Settings.model_validate({**values, **changes})


def add_machine(database: Database, name: str = "incident") -> int:
    """Register a machine's name for the default tenant."""
    with psycopg.connect(database.owner) as connection:
        row = connection.execute("INSERT INTO machines (tenant, name) VALUES (1, %s) RETURNING number", [name])
        number: int = row.fetchall()[0][0]
        connection.execute("UPDATE installation SET revision = revision + 1")
    return number


def rows(database: Database, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Ask as the owner of the tables' database."""
    with psycopg.connect(database.service) as connection:
        return connection.execute(query, parameters).fetchall()


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


def eventually(look: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """Look again and again until there is something true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def ingesting(settings: Settings) -> Iterator[Woken]:
    """Run an ingester in a thread; what it raises comes out at the end."""
    woken = Woken()
    with _threaded(lambda stop: ingest(settings, wake=woken, stop=stop)):
        yield woken


@contextlib.contextmanager
def relaying(settings: Settings) -> Iterator[None]:
    """Run a relay in a thread."""
    with _threaded(lambda stop: Relay(settings, stop=stop).run()):
        yield


@contextlib.contextmanager
def producing(settings: Settings, **options: Any) -> Iterator[KafkaProducer]:
    """Connect a producer, with further options of its own."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka, linger_ms=5, **options)
    try:
        yield producer
    finally:
        producer.close(timeout=60)


@contextlib.contextmanager
def _threaded(run: Callable[[threading.Event], None]) -> Iterator[None]:
    stop, raised = threading.Event(), []

    def target() -> None:
        try:
            run(stop)
        except BaseException as error:
            raised.append(error)
            raise

    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=60)
        assert not thread.is_alive(), "it did not stop within the grace"
    if raised:
        raise raised[0]
