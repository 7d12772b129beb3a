"""The producer that services use."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from kafka.errors import KafkaError

from foliot.cloudevents import (
    DEFAULT_TENANT,
    DEFAULT_TOPIC_PREFIX,
    Event,
    KafkaRecord,
    Limits,
    Mode,
    check_tenant,
    kafka_record,
)
from foliot.errors import FoliotError
from foliot.producer.connecting import KafkaUnavailable, first_line, make_producer, translated
from foliot.producer.security import Security

_CLOSE_S_MAX: Final = 30.0


class NotDelivered(FoliotError):
    """Kafka did not take a record. The same event may be sent again: it keeps its id, and is applied once."""

    code: ClassVar[str] = "not_delivered"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = (
        "Make the topic if there is none (foliot topics makes Foliot's own), then send the same event again."
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a record lies; all replicas that Kafka wants have it."""

    topic: str
    partition: int
    offset: int


class Producer:
    """Sends events to the topics of their lanes, each with its address as the key, so that order per instance holds.

    Idempotent, acknowledged by all replicas. Threads may share one.

    ```python
    with Producer("localhost:9092") as producer:
        sent = producer.send(Event(machine="order", key="4711", type="placed", data={"lines": 2}))
        print(sent.result(timeout=10).offset)
    ```

    Args:
        servers: Kafka's bootstrap servers, `host:port`, comma-separated.
        security: whether they are spoken to by TLS, and who this is.
        tenant: whose the events are that name no tenant.
        topic_prefix: lane topics are `<prefix>.critical` … `<prefix>.low`; as the installation's `topic_prefix`.
        mode: structured (one JSON document) or binary (attributes in headers); Foliot reads both.
        limits: as the installation's settings.
        name: the client's name in Kafka's logs and quotas.
        delivery_s_max: how long an event is tried before its future fails. One that failed may still have arrived.

    Raises:
        KafkaUnavailable: no broker answered.
        EventRefused: no tenant can have this name.
    """

    def __init__(
        self,
        servers: str,
        *,
        security: Security = Security(),  # noqa: B008 - an immutable value
        tenant: str = DEFAULT_TENANT,
        topic_prefix: str = DEFAULT_TOPIC_PREFIX,
        mode: Mode = "structured",
        limits: Limits = Limits(),  # noqa: B008 - an immutable value
        name: str = "foliot-producer",
        delivery_s_max: float = 120.0,
    ) -> None:
        self._tenant = check_tenant(tenant)
        self._topic_prefix = topic_prefix
        self._mode = mode
        self._limits = limits
        self._client = make_producer(servers, security, name=name, delivery_ms_max=int(delivery_s_max * 1000))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(KafkaUnavailable):
                self.close()

    def send(self, event: Event) -> Future[Delivery]:
        """Hand an event over and give what will become of it: a `Delivery`, or `NotDelivered`.

        It waits only while the client's buffer is full or a topic's partitions are not known yet. Callbacks of the
        future run in the client's own thread and must be quick.

        Raises:
            EventRefused: the event breaks a rule; nothing was sent.
        """
        return self.send_record(self.record(event))

    def record(self, event: Event) -> KafkaRecord:
        """Write an event as `send` does, without sending it.

        Raises:
            EventRefused: the event breaks a rule.
        """
        return kafka_record(
            event, mode=self._mode, tenant=self._tenant, topic_prefix=self._topic_prefix, limits=self._limits
        )

    def send_record(self, record: KafkaRecord) -> Future[Delivery]:
        """Hand a record over as it is, whatever it says; for foreign topics and for tests."""
        future: Future[Delivery] = Future()
        future.set_running_or_notify_cancel()

        def arrived(place: Any) -> None:
            future.set_result(Delivery(place.topic, place.partition, place.offset))

        def failed(error: Exception) -> None:
            future.set_exception(NotDelivered(first_line(error), where=record.topic))

        headers = list(record.headers)
        try:
            sending = self._client.send(record.topic, record.value, record.key, headers, partition=record.partition)
        except (KafkaError, ValueError, TypeError, AssertionError) as error:
            failed(error)
        else:
            sending.add_callback(arrived).add_errback(failed)
        return future

    def flush(self, timeout_s: float = _CLOSE_S_MAX) -> None:
        """Wait until all that was handed over has its future settled.

        Raises:
            KafkaUnavailable: it took longer.
        """
        with translated("producer"):
            self._client.flush(timeout_s)

    def close(self, timeout_s: float = _CLOSE_S_MAX) -> None:
        """Flush and end the connection; calling it again does nothing.

        Raises:
            KafkaUnavailable: something is still on its way; its future settles later, or fails.
        """
        with translated("producer"):
            self._client.close(timeout_s)
