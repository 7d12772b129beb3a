"""Events as records of lane topics: topic, key, headers and value, without any client of Kafka.

Source: CloudEvents 1.0.2, Kafka protocol binding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from foliot.cloudevents.attributes import JSON, STRUCTURED
from foliot.cloudevents.events import Event, Limits
from foliot.cloudevents.json_values import data_bytes
from foliot.cloudevents.writing import attributes, structured

DEFAULT_TENANT: Final = "default"
"""Owner of lane topics that are bound to no tenant."""
DEFAULT_TOPIC_PREFIX: Final = "foliot.events"

Mode: TypeAlias = Literal["structured", "binary"]


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record to be sent; without a `partition` the key decides where it goes."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


def address_text(tenant: str, machine: str, key: str) -> str:
    """Write an address as `tenant/machine/key`: unambiguous, since slugs have no slash. It is the Kafka key too."""
    return f"{tenant}/{machine}/{key}"


def lane_topic(prefix: str, lane: str) -> str:
    """Name the topic of a lane."""
    return f"{prefix}.{lane}"


def kafka_record(
    event: Event,
    *,
    mode: Mode = "structured",
    tenant: str = DEFAULT_TENANT,
    topic_prefix: str = DEFAULT_TOPIC_PREFIX,
    limits: Limits = Limits(),  # noqa: B008 - an immutable value
) -> KafkaRecord:
    """Write an event as a record of its lane's topic; `tenant` is whose it is where the event does not say it.

    Raises:
        EventRefused: a rule is broken.
    """
    owned = event if event.tenant is not None else replace(event, tenant=tenant)
    write = _structured if mode == "structured" else _binary
    headers, value = write(owned, limits)
    key = address_text(owned.tenant or tenant, event.machine, event.key)
    return KafkaRecord(lane_topic(topic_prefix, event.lane), key.encode(), value, headers)


def _structured(event: Event, limits: Limits) -> tuple[tuple[tuple[str, bytes], ...], bytes]:
    return (("content-type", STRUCTURED.encode()),), structured(event, limits)


def _binary(event: Event, limits: Limits) -> tuple[tuple[tuple[str, bytes], ...], bytes]:
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes(event, limits).items()]
    if event.data is None:
        return tuple(headers), b""
    raw = data_bytes(event.data, bytes_max=limits.data_bytes_max, depth_max=limits.depth_max)
    return (*headers, ("content-type", JSON.encode())), raw
