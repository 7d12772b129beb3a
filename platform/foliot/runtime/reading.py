"""What a batch reads once it holds its cursors: the heads, the events that wait, and the instances that they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from foliot.runtime.lives import Address, Life, LifeCache, ShardCursor, Waiting, life_of, waiting_of
from foliot.runtime.selection import allot
from foliot.store import HOT_TIMEOUT_MS, Conflict, Connection, columns, load, pipelined

_SQL: Final = load("step")
_REGISTRY: Final = load("registry")
AHEAD_EVENTS_MAX: Final = 8
"""Events that are read with the lock, in the same round trip: where no more than these wait, and of each queue."""
_AWAIT_MS: Final = "100"
"""How long a cursor is waited for: as long as a long batch takes."""
_ADDRESS_COLUMNS: Final = ("shards", "tenants", "machines", "keys")
_RANGE_COLUMNS: Final = ("shards", "queues", "firsts", "lasts")
_EVENT_COLUMNS: Final = 16
"""Of a row of `step.read_ahead` or `step.read_held`: its event. The instance there follows, or the one that holds."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Events by (shard, queue, number), and by address the row of the instance that lives there, if any does."""

    events: Mapping[tuple[int, int, int], Waiting]
    lives: Mapping[tuple[int, Address], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Locked:
    """The cursors that are held, the moment (microseconds), and what was read behind the lock.

    `heads` are by shard; `revision` is the registry's, None where nothing is installed; `ahead` is None where nobody
    asked for it.
    """

    cursors: Sequence[ShardCursor]
    now: int
    heads: dict[int, Sequence[int]]
    revision: int | None
    ahead: Ahead | None


Locking: TypeAlias = Literal["lock_cursors", "await_cursors", "read_cursors"]
"""Lock the cursors that nobody else holds; wait for those that somebody does; lock nothing, as tests do."""


def lock(
    connection: Connection, shards: Sequence[int], *, ahead: bool, few: int = 0, how: Locking = "lock_cursors"
) -> Locked:
    """Lock cursors; what is read behind them is as of after the lock.

    With `ahead` the first events and their instances come along, and the first `few` where more wait than that.

    Raises:
        TransactionLost: with `await_cursors`, a cursor was not free in time.
    """
    wanted = {"shards": shards}
    first = None
    with pipelined(connection, "step.lock"):
        if how == "await_cursors":
            _SQL["limit_waits"].run(connection, {"ms": _AWAIT_MS})
        rows = _SQL[how].run(connection, wanted)
        if how == "await_cursors":
            _SQL["limit_waits"].run(connection, {"ms": str(HOT_TIMEOUT_MS)})
        heads = _SQL["read_heads"].run(connection, wanted)
        # After the heads: a machine that an event up to them names was committed before, so this catalog has it.
        installation = _REGISTRY["read_installation"].run(connection)
        if ahead:
            first = _SQL["read_ahead"].run(connection, {**wanted, "count": AHEAD_EVENTS_MAX, "few": few})
    found = rows.fetchall()
    cursors = [
        ShardCursor(shard, tuple(numbers), n, batch, outbox, bytes(token), draining)
        for shard, numbers, n, batch, outbox, token, draining, _ in found
    ]
    row = installation.fetchone()
    return Locked(
        cursors,
        # Of a row that was waited for, PostgreSQL tells the clock after the wait, of others before it. A shard's
        # time must not go back, and another may have stepped this one meanwhile.
        max((row[-1] for row in found), default=0),
        dict(heads.fetchall()),
        None if row is None else row[0],
        None if first is None else _ahead(first.fetchall()),
    )


def _ahead(rows: Sequence[tuple[Any, ...]]) -> Ahead:
    events, lives = {}, {}
    for row in rows:
        event, life = waiting_of(row[:_EVENT_COLUMNS]), row[_EVENT_COLUMNS:]
        events[event.shard, event.queue, event.number] = event
        if life[0] is not None:
            lives[event.shard, event.address] = (event.shard, *event.address, *life)
    return Ahead(events, lives)


def read_events(
    connection: Connection,
    cursors: Sequence[ShardCursor],
    heads: Mapping[int, Sequence[int]],
    ahead: Ahead | None,
    *,
    capacity: int,
    share: float,
) -> dict[int, list[Waiting]]:
    """Read by shard the events of a batch: first what draining instances hold, then what waits in the inbox.

    Raises:
        Conflict: an event that has a number is not there.
    """
    events: dict[int, list[Waiting]] = {cursor.shard: [] for cursor in cursors}
    draining = [cursor.shard for cursor in cursors if cursor.draining]
    left = capacity
    if draining:
        for row in _SQL["read_held"].run(connection, {"shards": draining, "count": max(1, capacity // 2)}):
            events[row[0]].append(waiting_of(row[:_EVENT_COLUMNS], row[_EVENT_COLUMNS]))
            left -= 1
    if left <= 0:
        return events
    ranges = []
    for cursor in cursors:
        waiting = [head - number for head, number in zip(heads[cursor.shard], cursor.numbers, strict=True)]
        taken = allot(waiting, capacity=max(1, left), share=share)
        left -= sum(taken)
        for queue, count in enumerate(taken):
            if count:
                ranges.append((cursor.shard, queue, cursor.numbers[queue], cursor.numbers[queue] + count))
    for event in _read_ranges(connection, ranges, ahead):
        events[event.shard].append(event)
    return events


def _read_ranges(
    connection: Connection, ranges: Sequence[tuple[int, int, int, int]], ahead: Ahead | None
) -> list[Waiting]:
    count = sum(last - first for _, _, first, last in ranges)
    if not count:
        return []
    if ahead is not None:
        places = [
            (shard, queue, number) for shard, queue, first, last in ranges for number in range(first + 1, last + 1)
        ]
        if all(place in ahead.events for place in places):
            return [ahead.events[place] for place in places]
    rows = _SQL["read_inbox"].run(connection, columns(_RANGE_COLUMNS, ranges)).fetchall()
    if len(rows) != count:
        raise Conflict(f"the inbox gave {len(rows)} of {count} numbered events", where="read_inbox")
    return [waiting_of(row) for row in rows]


def load_lives(
    connection: Connection,
    cache: LifeCache,
    cursors: Sequence[ShardCursor],
    events: Mapping[int, Sequence[Waiting]],
    ahead: Ahead | None,
    *,
    compare: bool,
) -> dict[int, dict[Address, Life]]:
    """Give by shard the instances at the events' addresses: from the cache, from what was read ahead, or loaded."""
    lives: dict[int, dict[Address, Life]] = {}
    missing: list[tuple[Any, ...]] = []
    for cursor in cursors:
        wanted = {event.address: event for event in events[cursor.shard]}
        known = lives[cursor.shard] = cache.find(cursor.shard, cursor.token, wanted, compare=compare)
        absent = [event for address, event in wanted.items() if address not in known]
        cache.hits += len(wanted) - len(absent)
        cache.misses += len(absent)
        for event in absent:
            if ahead is None or (event.shard, event.queue, event.number) not in ahead.events:
                missing.append((event.shard, *event.address))
            elif (row := ahead.lives.get((event.shard, event.address))) is not None:
                lives[event.shard][event.address] = life_of(row)
    if missing:
        # In the order of their index, so that neighbours are found on one page.
        missing.sort()
        for row in _SQL["load_instances"].run(connection, columns(_ADDRESS_COLUMNS, missing)):
            life = life_of(row)
            lives[life.shard][life.address] = life
    return lives
