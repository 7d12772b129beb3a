"""Events into the inbox: one transaction that remembers their ids, numbers them, stores them and moves the offsets.

Locks are taken in the global order: dedupe keys, heads, offsets, each group sorted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar, Final, NamedTuple

import orjson

from foliot.errors import Refusal
from foliot.registry import Catalog
from foliot.runtime.addresses import address_text, is_urgent, queue_of, shard_of
from foliot.runtime.dead_letters import Record, SetAside, insert_dead_letters
from foliot.settings import Defence
from foliot.store import (
    KIND_EVENT,
    Connection,
    StoreError,
    columns,
    committing,
    load,
    numbers_text,
    pipelined,
    roll_back,
)

_SQL: Final = load("intake")
_REGISTRY: Final = load("registry")
_ID_BYTES_MAX: Final = 64
_KEY_COLUMNS: Final = ("shards", "tenants", "sources", "ids", "machines", "keys")
_INBOX_COLUMNS: Final = (
    *("segments", "shards", "queues", "numbers", "tenants", "machines", "keys", "kinds", "event_ids", "sources"),
    *("types", "times", "data", "traceparents", "instances", "timers", "armed"),
)


class RegistryMoved(StoreError):
    """The registry is not as it was read: read it again, and decide again what each record is."""

    code: ClassVar[str] = "registry_moved"
    retryable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that was decoded and routed; `data` is canonical JSON text, `lane` 0 (critical) to 3 (low)."""

    tenant: int
    machine: int
    key: str
    lane: int
    event_id: str
    source: str
    type: str
    time: str | None
    data: str | None
    traceparent: str | None
    record: Record | None
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class OffsetMove:
    """A partition's offset goes from `expected` to `next` in the transaction that takes the records between."""

    topic_id: str
    partition: int
    expected: int
    next: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where an accepted event stands: it is applied once the cursor of (shard, queue) has reached `number`."""

    shard: int
    queue: int
    number: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch. `shards` maps each shard that got work to whether some of it is critical or high.

    `positions` has one place an arrival: None where it was a duplicate or set aside.
    """

    accepted: int
    duplicates: int
    dead: int
    shards: Mapping[int, bool]
    positions: tuple[Position | None, ...]


def payload_hash(secret: bytes, type_: str, time: str | None, data: str | None) -> bytes:
    """Hash what an event says, keyed with the installation's secret: 16 bytes."""
    return blake2b(orjson.dumps([type_, time, data]), digest_size=16, key=secret).digest()


class _Key(NamedTuple):
    """What makes an event the same event, in the order of the index."""

    shard: int
    tenant: int
    source: str
    id: str
    machine: int
    key: str


@dataclass(slots=True)
class _Sorting:
    """Which arrivals are new, doubled or reuse an id; indexes into the arrivals."""

    fresh: dict[_Key, int]
    doubled: list[int]
    reused: list[int]


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
    """Take a batch in one transaction and commit it.

    Arrivals of one (shard, queue) are numbered in the order given. The same id with the same payload is dropped and
    counted; with another payload it goes to the dead letters as `id_reused` and raises an alarm.

    Raises:
        RegistryMoved: the catalog is not the present one; nothing was written.
        Conflict: a move's `expected` was not there, since somebody else has taken records; nothing was written.
        StoreError: nothing was written, but for `UnknownCommit`: read the offsets again.
    """
    try:
        return fill(
            connection,
            catalog,
            arrivals,
            set_aside,
            moves,
            writer=writer,
            writing=committing(connection, "intake"),
            defences_off=defences_off,
        )
    except BaseException:
        roll_back(connection)
        raise


def fill(
    connection: Connection,
    catalog: Catalog,
    arrivals: Sequence[Arrival],
    set_aside: Sequence[SetAside],
    moves: Sequence[OffsetMove],
    *,
    writer: str,
    writing: AbstractContextManager[None],
    defences_off: frozenset[Defence] = frozenset(),
) -> Receipt:
    """Do what `take_in` does. `writing` surrounds the writes: `committing` commits too, `pipelined` leaves it open."""
    keys = [_key_of(arrival, catalog) for arrival in arrivals]
    if "dedupe" in defences_off:
        keys = [key._replace(id=f"{key.id} {place}") for place, key in enumerate(keys)]
    copies: dict[_Key, list[int]] = {}
    for index, key in enumerate(keys):
        copies.setdefault(key, []).append(index)
    known, heads = _claim_and_lock(connection, catalog, arrivals, copies, dedupe="dedupe" not in defences_off)
    sorting = _sort(arrivals, copies, known)
    letters = [*set_aside, *(_reused(arrivals[index], catalog) for index in sorting.reused)]
    with writing:
        _unclaim(connection, {key: arrivals[copies[key][0]].payload_hash for key in known}, known)
        positions = _fill_inbox(connection, arrivals, sorting.fresh, heads)
        insert_dead_letters(connection, letters, writer=writer)
        _raise_alarms(connection, [arrivals[index] for index in sorting.reused], writer)
        _move_offsets(connection, moves, compare="offsets" not in defences_off)
        _note_intakes(connection, moves, _Counts.of(arrivals, positions, sorting, set_aside), writer)
    shards: dict[int, bool] = {}
    for position in positions:
        if position is not None:
            shards[position.shard] = shards.get(position.shard, False) or is_urgent(position.queue)
    return Receipt(len(sorting.fresh), len(sorting.doubled), len(letters), shards, tuple(positions))


def _key_of(arrival: Arrival, catalog: Catalog) -> _Key:
    machine = catalog.machine_by_number(arrival.machine)
    shard = shard_of(address_text(machine.tenant_slug, machine.name, arrival.key), catalog.shards)
    id_bytes = arrival.event_id.encode()
    short = arrival.event_id if len(id_bytes) <= _ID_BYTES_MAX else blake2b(id_bytes, digest_size=32).hexdigest()
    return _Key(shard, arrival.tenant, arrival.source, short, arrival.machine, arrival.key)


def _claim_and_lock(
    connection: Connection,
    catalog: Catalog,
    arrivals: Sequence[Arrival],
    copies: Mapping[_Key, Sequence[int]],
    *,
    dedupe: bool,
) -> tuple[dict[_Key, bytes], dict[int, tuple[list[int], int]]]:
    """Claim the keys and lock the heads; give what each key that came before was accepted with, and the heads."""
    ordered = sorted(copies)
    keys = columns(_KEY_COLUMNS, ordered)
    shards = sorted({key.shard for key in ordered})
    hashes = [arrivals[copies[key][0]].payload_hash for key in ordered]
    locked: Iterable[tuple[int, list[int], int]] = ()
    found: Iterable[tuple[int, bytes]] = ()
    with pipelined(connection, "intake.claim"):
        # It is read after the records were: whatever was published before an event was sent is in this revision.
        installation = _REGISTRY["read_installation"].run(connection)
        if ordered:
            if dedupe:
                _SQL["claim_keys"].run(connection, {**keys, "hashes": hashes})
            locked = _SQL["lock_heads"].run(connection, {"shards": shards})
            if dedupe:
                # Every key is asked for, in every generation: at a change of generation two transactions may claim the
                # same key in two of them. They share a shard, so the second to lock its head sees what the first did.
                found = _SQL["find_duplicates"].run(connection, keys)
    row = installation.fetchone()
    if row is None or row[0] != catalog.revision:
        what = f"the registry has left revision {catalog.revision}"
        raise RegistryMoved(what, where="read_installation", remedy="Read the registry again, then do the same.")
    return {ordered[place - 1]: bytes(hash_before) for place, hash_before in found}, _heads(locked)


def _sort(arrivals: Sequence[Arrival], copies: Mapping[_Key, Sequence[int]], known: Mapping[_Key, bytes]) -> _Sorting:
    """Compare every arrival with what its key was accepted with, before or as the first of this batch."""
    sorting = _Sorting({}, [], [])
    for key, indexes in copies.items():
        accepted = known.get(key)
        if accepted is None:
            sorting.fresh[key] = indexes[0]
            accepted = arrivals[indexes[0]].payload_hash
        for index in indexes if key in known else indexes[1:]:
            same = arrivals[index].payload_hash == accepted
            (sorting.doubled if same else sorting.reused).append(index)
    return sorting


def _unclaim(connection: Connection, claimed: Mapping[_Key, bytes], known: Mapping[_Key, bytes]) -> None:
    """Forget claims with a payload that was refused: it must never pass for the accepted one."""
    refused = sorted(key for key, hash_claimed in claimed.items() if hash_claimed != known[key])
    if refused:
        hashes = [claimed[key] for key in refused]
        _SQL["unclaim_keys"].run(connection, {**columns(_KEY_COLUMNS, refused), "hashes": hashes})


def _heads(rows: Iterable[tuple[int, list[int], int]]) -> dict[int, tuple[list[int], int]]:
    return {shard: (numbers, segment) for shard, numbers, segment in rows}


def _fill_inbox(
    connection: Connection,
    arrivals: Sequence[Arrival],
    fresh: Mapping[_Key, int],
    heads: Mapping[int, tuple[list[int], int]],
) -> list[Position | None]:
    positions: list[Position | None] = [None] * len(arrivals)
    rows = []
    for key, index in sorted(fresh.items(), key=lambda item: item[1]):
        arrival, (numbers, segment), queue = arrivals[index], heads[key.shard], queue_of(arrivals[index].lane)
        numbers[queue] += 1
        positions[index] = Position(key.shard, queue, numbers[queue])
        rows.append(
            (
                segment,
                key.shard,
                queue,
                numbers[queue],
                arrival.tenant,
                arrival.machine,
                arrival.key,
                KIND_EVENT,
                arrival.event_id,
                arrival.source,
                arrival.type,
                arrival.time,
                arrival.data,
                arrival.traceparent,
                None,
                None,
                None,
            )
        )
    if rows:
        fill_inbox(connection, rows, {shard: numbers for shard, (numbers, _) in heads.items()})
    return positions


def fill_inbox(connection: Connection, rows: Sequence[tuple[object, ...]], heads: Mapping[int, Sequence[int]]) -> None:
    """Insert numbered rows (in the order of the inbox's columns) and move the heads, which are locked, to `heads`."""
    _SQL["insert_inbox"].run(connection, columns(_INBOX_COLUMNS, rows))
    parameters = {"shards": list(heads), "numbers": [numbers_text(numbers) for numbers in heads.values()]}
    _SQL["move_heads"].run(connection, parameters)


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


def _move_offsets(connection: Connection, moves: Sequence[OffsetMove], *, compare: bool) -> None:
    if not moves:
        return
    ordered = sorted((move.topic_id, move.partition, move.expected, move.next) for move in moves)
    statement = _SQL["move_offsets" if compare else "force_offsets"]
    statement.run(connection, columns(("topic_ids", "partitions", "expected", "nexts"), ordered))


class _Counts(NamedTuple):
    """Records by (topic id, partition), by what became of them."""

    accepted: Counter[tuple[str, int]]
    doubled: Counter[tuple[str, int]]
    dead: Counter[tuple[str, int]]

    @classmethod
    def of(
        cls,
        arrivals: Sequence[Arrival],
        positions: Sequence[Position | None],
        sorting: _Sorting,
        set_aside: Sequence[SetAside],
    ) -> _Counts:
        """Count."""
        dead = [arrivals[index].record for index in sorting.reused] + [letter.record for letter in set_aside]
        return cls(
            _by_partition(arrival.record for arrival, place in zip(arrivals, positions, strict=True) if place),
            _by_partition(arrivals[index].record for index in sorting.doubled),
            _by_partition(dead),
        )


def _note_intakes(connection: Connection, moves: Sequence[OffsetMove], counts: _Counts, writer: str) -> None:
    if not moves:
        return
    rows = [
        (*place, move.expected, move.next, counts.accepted[place], counts.doubled[place], counts.dead[place])
        for move in moves
        for place in [(move.topic_id, move.partition)]
    ]
    names = ("topic_ids", "partitions", "firsts", "nexts", "accepted", "duplicates", "dead")
    _SQL["insert_intakes"].run(connection, {**columns(names, rows), "writer": writer})


def _by_partition(records: Iterable[Record | None]) -> Counter[tuple[str, int]]:
    return Counter((record.topic_id, record.partition) for record in records if record is not None)
