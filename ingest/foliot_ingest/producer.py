"""Sending events to lane topics: one, or a stream of lines with a report for each."""

from __future__ import annotations

import base64
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from foliot.errors import FoliotError
from foliot.runtime import address_text
from foliot.settings import Settings
from foliot.store import LANES
from foliot_ingest.cloud_events import STRUCTURED
from foliot_ingest.kafka_clients import KafkaUnavailable, translated

SOURCE: Final = "foliot/send"
_WAITING_MAX: Final = 5_000
"""Records that may wait for their reports; then the oldest is waited for."""
_REPORT_S_MAX: Final = 60.0
_EVENT_FIELDS: Final = frozenset(
    ("machine", "key", "type", "data", "lane", "id", "source", "time", "tenant", "traceparent")
)
_RAW_FIELDS: Final = frozenset(("topic", "key", "headers", "value_base64", "partition"))


class LineRefused(FoliotError):
    """A line says neither an event nor a raw record."""

    code: ClassVar[str] = "line_refused"


@dataclass(frozen=True, slots=True)
class ToSend:
    """A record for Kafka; `id` is the event's, where it is one."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int | None
    id: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """Where a record came to lie, or why it did not; `line` counts from 1."""

    line: int
    id: str | None
    topic: str
    partition: int | None
    offset: int | None
    error: str | None

    def as_json(self) -> bytes:
        """Write one line of a report."""
        return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE)


def event_record(
    settings: Settings,
    *,
    machine: str,
    key: str,
    type_: str,
    data: Any = None,
    lane: str = "normal",
    id_: str | None = None,
    source: str = SOURCE,
    time: str | None = None,
    tenant: str | None = None,
    traceparent: str | None = None,
) -> ToSend:
    """Make the record of an event: structured mode, with the address as the Kafka key. A missing id is made up.

    Raises:
        LineRefused: there is no such lane.
    """
    if lane not in LANES:
        raise LineRefused(f"there is no lane {lane!r}", where="lane", remedy=f"Choose one of: {', '.join(LANES)}.")
    slug = tenant or settings.tenant
    event_id = id_ or str(uuid.uuid4())
    document = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": type_,
        "subject": key,
        "time": time or datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "foliotmachine": machine,
        "foliottenant": slug,
        "datacontenttype": "application/json",
        "data": data,
        **({"traceparent": traceparent} if traceparent else {}),
    }
    topic = f"{settings.topic_prefix}.{lane}"
    headers = (("content-type", STRUCTURED.encode()),)
    return ToSend(topic, address_text(slug, machine, key).encode(), orjson.dumps(document), headers, None, event_id)


def line_record(settings: Settings, line: bytes, number: int) -> ToSend:
    """Read a line: an event (machine, key, type, …), or a raw record (topic, key, headers, value_base64, partition).

    Raises:
        LineRefused: it is neither.
    """
    where = f"line {number}"
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LineRefused(
            f"this is no JSON: {error.msg}", where=where, remedy="Write one JSON object a line."
        ) from None
    fields = _RAW_FIELDS if isinstance(document, dict) and "topic" in document else _EVENT_FIELDS
    needed = {"topic"} if "topic" in fields else {"machine", "key", "type"}
    if not isinstance(document, dict) or not needed <= document.keys() or not document.keys() <= fields:
        remedy = f"Write an object with {', '.join(sorted(needed))}; it may have {', '.join(sorted(fields - needed))}."
        raise LineRefused("this is neither an event nor a raw record", where=where, remedy=remedy)
    try:
        return _raw_record(document) if "topic" in document else _event_of(settings, document)
    except (TypeError, ValueError, AttributeError) as error:
        raise LineRefused(str(error), where=where, remedy="See foliot send --help.") from error


def send_all(
    producer: KafkaProducer, records: Iterable[ToSend], *, report: Callable[[Report], None]
) -> tuple[int, int]:
    """Send records as they come and report each, in order, once Kafka has answered.

    Gives how many went and how many did not.

    Raises:
        KafkaUnavailable: Kafka took longer than a minute for one record.
    """
    waiting: deque[tuple[int, ToSend, Any]] = deque()
    counts = [0, 0]

    def settle() -> None:
        settled = _settled(*waiting.popleft())
        counts[settled.error is not None] += 1
        report(settled)

    for number, record in enumerate(records, start=1):
        waiting.append((number, record, _hand_over(producer, record)))
        while len(waiting) > _WAITING_MAX or (waiting and getattr(waiting[0][2], "is_done", True)):
            settle()
    while waiting:
        settle()
    return counts[0], counts[1]


def send_one(producer: KafkaProducer, record: ToSend) -> Report:
    """Send one record and wait for its report.

    Raises:
        KafkaUnavailable: it did not arrive.
    """
    settled = _settled(1, record, _hand_over(producer, record))
    if settled.error is not None:
        raise KafkaUnavailable(settled.error, where=record.topic, remedy="Run: foliot topics")
    return settled


def _event_of(settings: Settings, document: Mapping[str, Any]) -> ToSend:
    renamed = {"type": "type_", "id": "id_"}
    return event_record(settings, **{renamed.get(name, name): value for name, value in document.items()})


def _raw_record(document: Mapping[str, Any]) -> ToSend:
    value, key = document.get("value_base64"), document.get("key")
    headers = document.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return ToSend(
        topic=document["topic"],
        key=None if key is None else key.encode(),
        value=None if value is None else base64.b64decode(value),
        headers=tuple((name, text.encode()) for name, text in pairs),
        partition=document.get("partition"),
        id=None,
    )


def _hand_over(producer: KafkaProducer, record: ToSend) -> Any:
    try:
        return producer.send(record.topic, record.value, record.key, list(record.headers), partition=record.partition)
    except (KafkaError, ValueError, TypeError) as error:
        return error


def _settled(line: int, record: ToSend, future: Any) -> Report:
    error: Exception | None = future if isinstance(future, Exception) else None
    if error is None:
        try:
            met = future.get(timeout=_REPORT_S_MAX)
        except KafkaError as failed:
            if not future.is_done:
                with translated(record.topic):
                    raise
            error = failed
        else:
            return Report(line, record.id, record.topic, met.partition, met.offset, None)
    return Report(line, record.id, record.topic, None, None, str(error).partition("\n")[0] or type(error).__name__)
