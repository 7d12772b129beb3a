"""Dead letters, as operators read them: many by page, one with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from foliot.errors import FoliotError, Refusal
from foliot.store import Connection, end_reading, load

_SQL: Final = load("repair")


class UnknownDeadLetter(FoliotError):
    """There is no dead letter of a number."""

    code: ClassVar[str] = "unknown_dead_letter"
    remedy: ClassVar[str] = "See: foliot dead-letters list --all"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was set aside; what was never read of it is None, and so is the tenant of a record without one."""

    id: int
    tenant: str | None
    status: str
    stage: str
    refusal: Refusal
    topic: str | None
    partition: int | None
    offset: int | None
    machine: str | None
    key: str | None
    event_id: str | None
    source: str | None
    type: str | None
    attempts: int
    worker: str
    traceparent: str | None
    at: datetime
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class DeadLetterText:
    """A dead letter with its content: a record's `raw` value and `headers` as kept, or the `event` once decoded."""

    letter: DeadLetter
    topic_id: str | None
    shard: int | None
    queue: int | None
    number: int | None
    instance: int | None
    headers: str | None
    raw: bytes | None
    event: str | None


def list_dead_letters(
    connection: Connection,
    *,
    tenant: int | None = None,
    status: str | None = "open",
    code: str | None = None,
    machine: str | None = None,
    after: int = 0,
    count: int,
) -> tuple[DeadLetter, ...]:
    """Read a page in the order of ids, from beyond `after`; a filter that is None lets all through."""
    parameters = {"status": status, "code": code, "machine": machine, "after": after, "count": count}
    if tenant is None:
        cursor = _SQL["list_dead_letters"].run(connection, parameters)
    else:
        cursor = _SQL["list_own_dead_letters"].run(connection, {**parameters, "tenant": tenant})
    names = [column.name for column in cursor.description or ()]
    letters = tuple(_letter(dict(zip(names, row, strict=True))) for row in cursor)
    end_reading(connection)
    return letters


def show_dead_letter(connection: Connection, id_: int) -> DeadLetterText:
    """Read one whole.

    Raises:
        UnknownDeadLetter: there is none of that number.
    """
    cursor = _SQL["read_dead_letter"].run(connection, {"id": id_})
    names = [column.name for column in cursor.description or ()]
    row = cursor.fetchone()
    end_reading(connection)
    if row is None:
        raise UnknownDeadLetter(f"there is no dead letter {id_}", where=f"dead letter {id_}")
    found = dict(zip(names, row, strict=True))
    return DeadLetterText(
        letter=_letter(found),
        topic_id=found["topic_id"],
        shard=found["shard"],
        queue=found["queue"],
        number=found["number"],
        instance=found["instance"],
        headers=found["headers"],
        raw=None if found["raw"] is None else bytes(found["raw"]),
        event=found["event"],
    )


def _letter(found: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        id=found["id"],
        tenant=found["slug"],
        status=found["status"],
        stage=found["stage"],
        refusal=Refusal(found["code"], found["what"], found["place"], found["remedy"]),
        topic=found["topic"],
        partition=found["partition"],
        offset=found["offset"],
        machine=found["machine"],
        key=found["key"],
        event_id=found["event_id"],
        source=found["source"],
        type=found["type"],
        attempts=found["attempts"],
        worker=found["worker"],
        traceparent=found["traceparent"],
        at=found["at"],
        ended_at=found["ended_at"],
        ended_by=found["ended_by"],
    )
