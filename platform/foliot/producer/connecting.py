"""A Kafka producer with Foliot's settings, and the translation of the client's errors."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from foliot.errors import FoliotError

RECORD_BYTES_MAX: Final = 4 * 1024 * 1024
"""What Foliot's producers send and its own topics take: an event of 1 MiB with its envelope, and room."""
_ANSWER_MS_MAX: Final = 5_000
_RECONNECT_MS_MAX: Final = 1_000
_METADATA_AGE_MS_MAX: Final = 30_000
_NO_EXPIRY_MS: Final = 2**31 - 1


class KafkaUnavailable(FoliotError):
    """Kafka did not answer, or refused."""

    code: ClassVar[str] = "kafka_unavailable"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Look whether Kafka runs at FOLIOT_KAFKA, then try again."


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the client's errors into `KafkaUnavailable`."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise KafkaUnavailable(first_line(error), where=what) from error


def first_line(error: Exception) -> str:
    """Say an error of the client in one line."""
    return str(error).partition("\n")[0][:300] or type(error).__name__


def make_producer(servers: str, *, name: str, delivery_ms_max: int = _NO_EXPIRY_MS) -> KafkaProducer:
    """Connect an idempotent producer: acknowledged by all replicas, in order per partition.

    By default a batch never expires by itself. Whoever waits too long closes the producer, so that what was sent stays
    a prefix of what was asked for, in each partition.

    Raises:
        KafkaUnavailable: no broker answered.
    """
    with translated("producer"):
        knock(servers)
        return KafkaProducer(
            bootstrap_servers=servers.split(","),
            client_id=name,
            bootstrap_timeout_ms=_ANSWER_MS_MAX,
            request_timeout_ms=2 * _ANSWER_MS_MAX,
            reconnect_backoff_max_ms=_RECONNECT_MS_MAX,
            metadata_max_age_ms=_METADATA_AGE_MS_MAX,
            metrics_enabled=False,
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=delivery_ms_max,
            max_block_ms=_ANSWER_MS_MAX,
            max_request_size=RECORD_BYTES_MAX,
            linger_ms=5,
            batch_size=262_144,
        )


def knock(servers: str) -> None:
    """Look whether any broker takes connections: a client that finds none leaves its sockets open."""
    refused: OSError | None = None
    for address in servers.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_MS_MAX / 1000).close()
        except OSError as error:
            refused = error
        else:
            return
    if refused is not None:
        raise refused
