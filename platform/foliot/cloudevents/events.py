"""What an event is to those who send it, and the id that it gets when the sender gives none."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias, get_args

Lane: TypeAlias = Literal["critical", "high", "normal", "low"]
LANES: Final[tuple[str, ...]] = get_args(Lane)
"""Most urgent first; a lane's number is its place here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one event; the defaults are the settings'."""

    data_bytes_max: int = 1_048_576
    depth_max: int = 64
    key_bytes_max: int = 512


def new_id() -> str:
    """Make an id that sorts by time, so that ids of one moment lie together in the index of known ids.

    Source: RFC 9562, UUID version 7; Python's own `uuid` has it from 3.14 on.
    """
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def time_text(moment: datetime) -> str:
    """Write a moment that knows its zone as the attribute `time`, in UTC to the microsecond.

    Raises:
        ValueError: it does not know its zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _now() -> str:
    return time_text(datetime.now(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event for the instance at `machine` and `key`.

    `id` and `time` are fixed when the event is made: who sends the same event again after a failure sends the same id,
    and it is applied once. An id need only be unique within its `source`.

    Attributes:
        data: JSON; None says nothing and is left away. A machine sees null then.
        time: RFC 3339; None leaves it away.
        lane: over Kafka it chooses the topic, over HTTP it is the attribute `foliotlane`.
        tenant: whose machine; None is the tenant of the producer, or over HTTP of the API key.
        traceparent: W3C Trace Context; one that cannot be read is left away, as that standard wants it.
    """

    machine: str
    key: str
    type: str
    data: Any = None
    source: str = "foliot/python"
    id: str = field(default_factory=new_id)
    time: str | None = field(default_factory=_now)
    lane: Lane = "normal"
    tenant: str | None = None
    traceparent: str | None = None
