"""Making Kafka clients, a producer with Foliot's settings among them, and the translation of their errors."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Final, TypeVar

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient
from kafka.protocol.api_header import ResponseClassRegistry

from foliot.errors import FoliotError
from foliot.producer.security import Security

RECORD_BYTES_MAX: Final = 4 * 1024 * 1024
"""What Foliot's producers send and its own topics take: an event of 1 MiB with its envelope, and room."""
_ANSWER_MS_MAX: Final = 5_000
_RECONNECT_MS_MAX: Final = 1_000
_METADATA_AGE_MS_MAX: Final = 30_000
_NO_EXPIRY_MS: Final = 2**31 - 1
_PORT_MAX: Final = 65_535
Client = TypeVar("Client")


class KafkaUnavailable(FoliotError):
    """Kafka did not answer, or refused."""

    code: ClassVar[str] = "kafka_unavailable"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = (
        "Look whether Kafka runs at FOLIOT_KAFKA and takes what FOLIOT_KAFKA_SECURITY_PROTOCOL says, then try again."
    )


class BadServers(FoliotError):
    """What was given is no list of host:port."""

    code: ClassVar[str] = "bad_kafka_servers"
    remedy: ClassVar[str] = "Write host:port of each server in FOLIOT_KAFKA, comma-separated."


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


def make_client(kind: Callable[..., Client], servers: str, security: Security, **config: Any) -> Client:
    """Make a client of kafka-python; one that cannot be made leaves neither sockets nor threads behind.

    Raises:
        KafkaError, OSError: no broker answered; see `translated`.
        BadServers: `servers` is no list of them.
        BadSecurity: a file of certificates can no longer be read.
    """
    secured = security.config()
    _knock([_host_and_port(server) for server in servers.split(",")], secured["ssl_context"])
    with ExitStack() as unfinished:

        def network(**named: Any) -> KafkaNetClient:
            made = KafkaNetClient(**named)
            unfinished.callback(made.close)
            return made

        try:
            client = kind(bootstrap_servers=servers.split(","), kafka_client=network, **secured, **config)
        except KafkaTimeoutError as error:
            # A broker that refuses a user or a protocol hangs up, and the client tries again until its time is up.
            raise KafkaTimeoutError(f"no broker of {servers} took this client by {security.summary}") from error
        unfinished.pop_all()
        return client


def make_producer(
    servers: str, security: Security, *, name: str, delivery_ms_max: int = _NO_EXPIRY_MS
) -> KafkaProducer:
    """Connect an idempotent producer: acknowledged by all replicas, in order per partition.

    By default a batch never expires by itself. Whoever waits too long closes the producer, so that what was sent stays
    a prefix of what was asked for, in each partition.

    Raises:
        KafkaUnavailable: no broker answered.
        BadServers: `servers` is no list of them.
        BadSecurity: a file of certificates can no longer be read.
    """
    with translated("producer"):
        return make_client(
            KafkaProducer,
            servers,
            security,
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


def _host_and_port(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        # Names go to the resolver in this form; labels that are empty or too long have none.
        host.encode("idna")
        number = int(port)
    except ValueError:
        number = 0
    if not host or not 0 < number <= _PORT_MAX:
        raise BadServers(f"{server.strip()!r} is not host:port", where="servers")
    return host, number


def _knock(servers: Sequence[tuple[str, int]], context: ssl.SSLContext | None) -> None:
    """Look whether any broker takes connections, which tells at once what a client tells after its time-out."""
    refused: OSError | None = None
    for host, port in servers:
        try:
            with socket.create_connection((host, port), timeout=_ANSWER_MS_MAX / 1000) as link:
                if context is not None:
                    context.wrap_socket(link, server_hostname=host.rstrip(".")).close()
        except ssl.SSLError as error:
            refused = OSError(f"{host}:{port} takes connections, but there is no TLS with it: {error}")
        except OSError as error:
            refused = error
        else:
            return
    if refused is not None:
        raise refused


class _FirstStays(dict[int, Any]):
    """The classes of answers by API: whichever was registered first.

    kafka-python (3.0.12) keeps them weakly, and registers a class anew for each version that it meets. Two clients that
    meet a version at the same time make two of them; where the one that nobody keeps was registered last, no answer of
    that API could ever be read again in this process.
    """

    def __setitem__(self, api: int, response: Any) -> None:
        self.setdefault(api, response)


# By its version, since what is registered may already be the class of one; the class itself lives with its module.
ResponseClassRegistry._response_class_registry = _FirstStays(  # noqa: SLF001 - there is no other way to it
    {api: response[None] for api, response in ResponseClassRegistry._response_class_registry.items()}  # noqa: SLF001
)
