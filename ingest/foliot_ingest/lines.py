"""Streams of lines for `foliot send`: each an event or a raw record, and a report of what became of it."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import orjson

from foliot.cloudevents import Event, EventRefused, KafkaRecord
from foliot.errors import FoliotError
from foliot.producer import Delivery, NotDelivered, Producer

SOURCE: Final = "foliot/send"
_WAITING_MAX: Final = 5_000
"""Records that may wait for their reports; then the oldest is waited for."""
_EVENT_FIELDS: Final = frozenset(
    ("machine", "key", "type", "data", "lane", "id", "source", "time", "tenant", "traceparent")
)
_RAW_FIELDS: Final = frozenset(("topic", "key", "headers", "value_base64", "partition"))


class LineRefused(FoliotError):
    """A line says neither an event nor a raw record."""

    code: ClassVar[str] = "line_refused"
    remedy: ClassVar[str] = "Write one JSON object a line, as foliot send --help describes it."


@dataclass(frozen=True, slots=True)
class ToSend:
    """A record for Kafka; `id` is the event's, where it is one."""

    record: KafkaRecord
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


def read_line(producer: Producer, line: bytes, number: int) -> ToSend:
    """Read a line: an event (machine, key, type, …), or a raw record (topic, key, headers, value_base64, partition).

    Raises:
        LineRefused: it is neither.
        EventRefused: it is an event that breaks a rule.
    """
    where = f"line {number}"
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LineRefused(f"this is no JSON: {error.msg}", where=where) from None
    fields = _RAW_FIELDS if isinstance(document, dict) and "topic" in document else _EVENT_FIELDS
    needed = {"topic"} if "topic" in fields else {"machine", "key", "type"}
    if not isinstance(document, dict) or not needed <= document.keys() or not document.keys() <= fields:
        remedy = f"Write an object with {', '.join(sorted(needed))}; it may have {', '.join(sorted(fields - needed))}."
        raise LineRefused("this is neither an event nor a raw record", where=where, remedy=remedy)
    try:
        return _raw_record(document) if "topic" in document else _event_of(producer, document)
    except EventRefused as refused:
        raise EventRefused(replace(refused.refusal, where=f"{where} {refused.refusal.where}".rstrip())) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise LineRefused(str(error), where=where) from error


def send_all(producer: Producer, records: Iterable[ToSend], *, report: Callable[[Report], None]) -> tuple[int, int]:
    """Send records as they come and report each, in order, once Kafka has answered.

    Gives how many went and how many did not.
    """
    waiting: deque[tuple[int, ToSend, Future[Delivery]]] = deque()
    counts = [0, 0]

    def settle() -> None:
        settled = _settled(*waiting.popleft())
        counts[settled.error is not None] += 1
        report(settled)

    for number, each in enumerate(records, start=1):
        waiting.append((number, each, producer.send_record(each.record)))
        while len(waiting) > _WAITING_MAX or (waiting and waiting[0][2].done()):
            settle()
    while waiting:
        settle()
    return counts[0], counts[1]


def _event_of(producer: Producer, document: Mapping[str, Any]) -> ToSend:
    event = Event(**{"source": SOURCE, **{name: value for name, value in document.items() if value is not None}})
    return ToSend(producer.record(event), event.id)


def _raw_record(document: Mapping[str, Any]) -> ToSend:
    value, key = document.get("value_base64"), document.get("key")
    headers = document.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    record = KafkaRecord(
        topic=document["topic"],
        key=None if key is None else key.encode(),
        value=None if value is None else base64.b64decode(value),
        headers=tuple((name, text.encode()) for name, text in pairs),
        partition=document.get("partition"),
    )
    return ToSend(record, None)


def _settled(line: int, sent: ToSend, future: Future[Delivery]) -> Report:
    try:
        place = future.result()
    except NotDelivered as failed:
        return Report(line, sent.id, sent.record.topic, None, None, failed.refusal.what)
    return Report(line, sent.id, place.topic, place.partition, place.offset, None)
