"""What the relay sends: rows of the outbox and the journal as Kafka records. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

import orjson

from foliot.cloudevents import STRUCTURED, address_text
from foliot.errors import Refusal
from foliot.runtime import SetAside
from foliot.store import JOURNAL_KINDS, JOURNAL_OUTCOMES

BATCH: Final = "application/cloudevents-batch+json"
CHANGES_BYTES_MAX: Final = 524_288
"""Where one record of changes ends even if it could hold more of them."""


class Stream(Enum):
    """The two things that a shard announces; each has its own confirmed number."""

    MESSAGES = "sent"
    CHANGES = "changes"


class Origin(NamedTuple):
    """Which instance sent a message, with which journal row `n`."""

    tenant: int
    machine: str
    key: str
    n: int
    id: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One Kafka record; once it and all before it are confirmed, so is everything of the stream up to `last`."""

    shard: int
    stream: Stream
    last: int
    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    origin: Origin | None = None

    def letter(self, refusal: Refusal) -> SetAside:
        """Make the dead letter of a message that is not sent, for a reason."""
        if self.origin is None:
            raise AssertionError("changes are not set aside")
        body = self.value.decode()
        document = orjson.loads(body)
        return SetAside(
            "send",
            refusal,
            topic=self.topic,
            tenant=self.origin.tenant,
            machine=self.origin.machine,
            key=self.origin.key,
            event_id=self.origin.id,
            source=document.get("source"),
            type=document.get("type"),
            event=body,
            traceparent=self.origin.traceparent,
            shard=self.shard,
            number=self.origin.n,
        )


def messages(rows: Iterable[Sequence[Any]], sent: Mapping[int, int]) -> Iterator[Outgoing]:
    """Make a record of each outbox row, up to the first number that is missing after those that were sent."""
    for shard, number, topic, tenant_slug, body, *origin in _unbroken(rows, sent):
        sender = Origin(*origin)
        headers = [("content-type", STRUCTURED.encode())]
        if sender.traceparent is not None:
            headers.append(("traceparent", sender.traceparent.encode()))
        key = address_text(tenant_slug, sender.machine, sender.key).encode()
        yield Outgoing(shard, Stream.MESSAGES, number, topic, key, body.encode(), tuple(headers), sender)


def changes(
    rows: Iterable[Sequence[Any]], announced: Mapping[int, int], *, topic: str, count_max: int
) -> Iterator[Outgoing]:
    """Make batches of journal rows, each of one shard and of at most `count_max` changes."""
    batch: list[bytes] = []
    size, shard, last = 0, -1, 0
    for row in _unbroken(rows, announced):
        change = _change(row)
        if batch and (row[0] != shard or len(batch) >= count_max or size + len(change) > CHANGES_BYTES_MAX):
            yield _batch(shard, last, topic, batch)
            batch, size = [], 0
        batch.append(change)
        size += len(change)
        shard, last = row[0], row[1]
    if batch:
        yield _batch(shard, last, topic, batch)


def _unbroken(rows: Iterable[Sequence[Any]], confirmed: Mapping[int, int]) -> Iterator[Sequence[Any]]:
    """Leave away what follows a gap in a shard's numbers: its rows are on their way to another segment."""
    following = {shard: number + 1 for shard, number in confirmed.items()}
    for row in rows:
        if row[1] == following[row[0]]:
            following[row[0]] += 1
            yield row


def _batch(shard: int, last: int, topic: str, batch: Sequence[bytes]) -> Outgoing:
    value = b"[" + b",".join(batch) + b"]"
    headers = (("content-type", BATCH.encode()),)
    return Outgoing(shard, Stream.CHANGES, last, topic, str(shard).encode(), value, headers)


def _change(row: Sequence[Any]) -> bytes:
    shard, n, at, instance, tenant, machine, key, kind, outcome, position, version, event_id, type_, state_hash = row
    document = {
        "specversion": "1.0",
        "id": f"{shard}-{n}",
        "source": "foliot",
        "type": "foliot.instance.changed",
        "time": at,
        "data": {
            "shard": shard,
            "n": n,
            "instance": instance,
            "tenant": tenant,
            "machine": machine,
            "key": key,
            "kind": JOURNAL_KINDS[kind],
            "outcome": JOURNAL_OUTCOMES[outcome],
            "position": position,
            "version": version,
            "event_id": event_id,
            "event_type": type_,
            "state_hash": bytes(state_hash).hex(),
        },
    }
    if key is not None:
        document["subject"] = address_text(tenant, machine, key)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
