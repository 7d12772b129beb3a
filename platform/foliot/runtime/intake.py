"""Intake: one transaction takes a batch of events into the inbox, each id once, and moves the offsets it came from.

The database's functions `take_in` and `take_in_records` lock, look and write in one call. Locks are taken in the global
order: heads, then offsets, each group sorted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from foliot.errors import Refusal
from foliot.registry import Catalog
from foliot.runtime.acceptance import event_columns
from foliot.runtime.addresses import queue_of, with_work
from foliot.runtime.claims import Arrival, Claim, claim_of
from foliot.runtime.dead_letters import Record, SetAside, insert_dead_letters
from foliot.settings import Defence
from foliot.store import Connection, IdsReused, columns, committing, load, roll_back

_SQL: Final = load("intake")
_MOVE_COLUMNS: Final = ("topic_ids", "partitions", "expected", "nexts", "doubled", "dead")


@dataclass(frozen=True, slots=True)
class OffsetMove:
    """A partition's offset goes from `expected` to `next` in the transaction that takes the records between."""

    topic_id: str
    partition: int
    expected: int
    next: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch.

    `shards` maps each shard that got work to whether some of it is critical or high. `beside_front` tells whether a
    front door has brought events for one of its shards a moment ago, and so may wait for the next batch's heads.
    """

    accepted: int
    duplicates: int
    dead: int
    shards: Mapping[int, bool]
    beside_front: bool


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Indexes into a batch: the first event of each claim, later ones that say the same, those that reuse an id."""

    first: tuple[int, ...]
    doubled: tuple[int, ...]
    reused: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one transaction is about."""

    catalog: Catalog
    arrivals: Sequence[Arrival]
    claims: Sequence[Claim]
    set_aside: Sequence[SetAside]
    moves: Sequence[OffsetMove]
    writer: str
    compare: bool


def take_in(
    connection: Connection,
    catalog: Catalog,
    arrivals: Sequence[Arrival],
    set_aside: Sequence[SetAside],
    moves: Sequence[OffsetMove],
    *,
    writer: str,
    defences_off: frozenset[Defence] = frozenset(),
) -> Receipt:
    """Take a batch in one transaction and commit it, all in one round trip.

    Arrivals of one (shard, queue) are numbered in the order given. The same id with the same payload is dropped and
    counted; with another payload it goes to the dead letters as `id_reused` and raises an alarm.

    Raises:
        RegistryMoved: the catalog is not the present one; nothing was written.
        Conflict: a move's `expected` was not there, since somebody else has taken records; nothing was written.
        StoreError: nothing was written, but for `UnknownCommit`: read the offsets again.
    """
    claims = [claim_of(arrival, catalog) for arrival in arrivals]
    if "dedupe" in defences_off:
        claims = [claim._replace(key=b"%b %d" % (claim.key, place)) for place, claim in enumerate(claims)]
    batch = _Batch(catalog, arrivals, claims, set_aside, moves, writer, "offsets" not in defences_off)
    accepted: dict[Claim, bytes] = {}
    try:
        # Seldom more than once: each time around, more is known of the ids that are reused.
        while True:
            found = _sort(batch, accepted)
            try:
                return _write(connection, batch, found)
            except IdsReused as error:
                roll_back(connection)
                accepted |= {claims[found.first[place - 1]]: payload for place, payload in error.accepted.items()}
    except BaseException:
        roll_back(connection)
        raise


def _sort(batch: _Batch, accepted: Mapping[Claim, bytes]) -> _Sorted:
    """Compare every arrival with what its claim was accepted with: before, or as the first of this batch."""
    first: dict[Claim, int] = {}
    doubled: list[int] = []
    reused: list[int] = []
    for index, claim in enumerate(batch.claims):
        payload = batch.arrivals[index].payload_hash
        before = accepted.get(claim)
        if before is None and first.setdefault(claim, index) == index:
            continue
        same = payload == (before or batch.arrivals[first[claim]].payload_hash)
        (doubled if same else reused).append(index)
    return _Sorted(tuple(first.values()), tuple(doubled), tuple(reused))


def _write(connection: Connection, batch: _Batch, found: _Sorted) -> Receipt:
    taken = [batch.arrivals[index] for index in found.first]
    refused = [batch.arrivals[index] for index in found.reused]
    letters = [*batch.set_aside, *(_reused(arrival, batch.catalog) for arrival in refused)]
    places = {(move.topic_id, move.partition): place for place, move in enumerate(_ordered(batch.moves), 1)}
    parameters = {
        "revision": batch.catalog.revision,
        **event_columns(taken, [batch.claims[index] for index in found.first]),
        "partition_places": [0 if each.record is None else places[_partition(each.record)] for each in taken],
        **columns(_MOVE_COLUMNS, _move_rows(batch, found, letters)),
        "writer": batch.writer,
        "compare": batch.compare,
    }
    with committing(connection, "intake"):
        answer = _SQL["take_in_records"].run(connection, parameters)
        insert_dead_letters(connection, letters, writer=batch.writer)
        _raise_alarms(connection, refused, batch.writer)
    row = answer.fetchone()
    numbers, beside_front = row or ((), False)
    return _receipt(batch, found, numbers, dead=len(letters), beside_front=beside_front)


def _ordered(moves: Iterable[OffsetMove]) -> list[OffsetMove]:
    """Sort as offsets are locked."""
    return sorted(moves, key=lambda move: (move.topic_id, move.partition))


def _move_rows(batch: _Batch, found: _Sorted, letters: Iterable[SetAside]) -> list[tuple[Any, ...]]:
    doubled = _by_partition(batch.arrivals[index].record for index in found.doubled)
    dead = _by_partition(letter.record for letter in letters)
    return [
        (move.topic_id, move.partition, move.expected, move.next, doubled[place], dead[place])
        for move in _ordered(batch.moves)
        for place in [(move.topic_id, move.partition)]
    ]


def _by_partition(records: Iterable[Record | None]) -> Counter[tuple[str, int]]:
    return Counter(_partition(record) for record in records if record is not None)


def _partition(record: Record) -> tuple[str, int]:
    return record.topic_id, record.partition


def _receipt(batch: _Batch, found: _Sorted, numbers: Sequence[int | None], *, dead: int, beside_front: bool) -> Receipt:
    accepted = [
        (batch.claims[index].shard, queue_of(batch.arrivals[index].lane))
        for index, number in zip(found.first, numbers, strict=True)
        if number is not None
    ]
    duplicates = len(found.first) - len(accepted) + len(found.doubled)
    return Receipt(len(accepted), duplicates, dead, with_work(accepted), beside_front)


def _reused(arrival: Arrival, catalog: Catalog) -> SetAside:
    machine = catalog.machine_by_number(arrival.machine)
    record = arrival.record
    return SetAside(
        stage="route",
        refusal=Refusal(
            "id_reused",
            f"the id {arrival.event_id!r} of source {arrival.source!r} was accepted before with another payload",
            f"{record.topic}[{record.partition}]@{record.offset}" if record else "",
            "Give every event an id of its own.",
        ),
        record=record,
        tenant=arrival.tenant,
        machine=machine.name,
        key=arrival.key,
        event_id=arrival.event_id,
        source=arrival.source,
        type=arrival.type,
        event=event_text(arrival),
        traceparent=arrival.traceparent,
    )


def event_text(arrival: Arrival) -> str:
    """Write an arrival as canonical JSON, so that a redrive can take it in again."""
    data = orjson.loads(arrival.data) if arrival.data is not None else None
    document = {
        "id": arrival.event_id,
        "source": arrival.source,
        "type": arrival.type,
        "time": arrival.time,
        "lane": arrival.lane,
        "data": data,
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _raise_alarms(connection: Connection, arrivals: Sequence[Arrival], writer: str) -> None:
    if arrivals:
        rows = [("id_reused", arrival.tenant, None, f"{arrival.source} {arrival.event_id}") for arrival in arrivals]
        names = ("codes", "tenants", "shards", "whats")
        _SQL["insert_alarms"].run(connection, {**columns(names, rows), "writer": writer})
