"""Events that are set aside, and how they are written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from foliot.errors import Refusal
from foliot.store import Connection, columns, load

_SQL: Final = load("intake")
_COLUMNS: Final = (
    *("tenants", "stages", "codes", "whats", "places", "remedies", "topic_ids", "topics", "partitions", "offsets"),
    *("headers", "raws", "shards", "queues", "numbers", "instances", "machines", "keys", "event_ids", "sources"),
    *("types", "events", "attempts", "traceparents"),
)


class Record(NamedTuple):
    """Where a Kafka record lies; `topic_id` is the broker's id of the topic, so that a recreated one is another."""

    topic_id: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event or record that will not be stepped, with the reason and all that is known of it.

    `raw` is the record's value as it came; `event` the event as Foliot stores it (canonical JSON), once it was decoded.
    A message that is not sent has its body there, the topic that does not take it, and as `number` its journal row's n.
    """

    stage: Literal["decode", "route", "step", "park", "send"]
    refusal: Refusal
    record: Record | None = None
    raw: bytes | None = None
    headers: str | None = None
    tenant: int | None = None
    machine: str | None = None
    key: str | None = None
    event_id: str | None = None
    source: str | None = None
    type: str | None = None
    event: str | None = None
    traceparent: str | None = None
    shard: int | None = None
    queue: int | None = None
    number: int | None = None
    instance: int | None = None
    attempts: int = 1
    topic: str | None = None


def insert_dead_letters(connection: Connection, letters: Sequence[SetAside], *, writer: str) -> None:
    """Write them in the open transaction."""
    if letters:
        rows = [_row(letter) for letter in letters]
        _SQL["insert_dead_letters"].run(connection, {**columns(_COLUMNS, rows), "writer": writer})


def storable(text: str | None) -> str | None:
    """Make a text fit for Postgres: what it cannot store (NUL, lone surrogates) becomes visible escapes.

    For the words about a bad record only: its bytes are kept as they came.
    """
    if text is None:
        return None
    return text.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()


def _row(letter: SetAside) -> tuple[object, ...]:
    record, refusal = letter.record, letter.refusal
    return (
        letter.tenant,
        letter.stage,
        refusal.code,
        storable(refusal.what),
        storable(refusal.where),
        storable(refusal.remedy),
        record.topic_id if record else None,
        record.topic if record else letter.topic,
        record.partition if record else None,
        record.offset if record else None,
        storable(letter.headers),
        letter.raw,
        letter.shard,
        letter.queue,
        letter.number,
        letter.instance,
        storable(letter.machine),
        storable(letter.key),
        storable(letter.event_id),
        storable(letter.source),
        storable(letter.type),
        storable(letter.event),
        letter.attempts,
        storable(letter.traceparent),
    )
