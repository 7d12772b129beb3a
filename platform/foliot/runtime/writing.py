"""Writes what the batches of several shards want, in bulk: a fixed number of statements for a transaction.

Order is the global lock order: the cursor rows are held already, timers come after all that only inserts, and the
cursors move last.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from foliot.runtime.batch import ShardBatch
from foliot.runtime.dead_letters import insert_dead_letters
from foliot.runtime.lives import Life, Waiting
from foliot.store import Connection, columns, committing, load, numbers_text

_SQL: Final = load("step")
TOKEN_BYTES: Final = 12

_JOURNAL: Final = (
    *("shards", "ns", "tenants", "instances", "positions", "previous", "kinds", "outcomes", "versions", "semantics"),
    *("queues", "numbers", "event_ids", "sources", "types", "times", "data", "traceparents", "timers", "armed"),
    *("transitions", "state_hashes", "states", "details"),
)
_OUTBOX: Final = ("shards", "numbers", "tenants", "machines", "keys", "ns", "ids", "topics", "bodies", "traceparents")
_TIMERS: Final = (
    *("shards", "instances", "timers", "armed", "due", "ordinals", "tenants", "machines", "keys", "queues", "types"),
    *("data", "traceparents"),
)
_TIMER_KEYS: Final = ("shards", "instances", "timers", "armed")
_HELD: Final = (
    *("shards", "queues", "numbers", "tenants", "machines", "keys", "kinds", "event_ids", "sources", "types", "times"),
    *("data", "traceparents", "instances", "timers", "armed", "holders"),
)
_INSTANCES: Final = ("shards", "ids", "placed", "versions", "semantics", "positions", "ns", "modes", "states", "notes")
_BIRTHS: Final = (
    *("shards", "ids", "tenants", "machines", "keys", "channels", "placed", "versions", "semantics", "positions"),
    *("ns", "modes", "states", "notes"),
)
_ID: Final = itemgetter(0, 1)
_BATCHES: Final = (
    *("shards", "batches", "n_before", "n_after", "before", "after", "heads", "stepped", "held", "dead", "dropped"),
    *("drained", "tokens_read", "tokens"),
)
_CURSORS: Final = ("shards", "numbers", "ns", "batches", "outboxes", "tokens", "tokens_read", "draining")


def write_and_commit(
    connection: Connection,
    batches: Sequence[ShardBatch],
    heads: Mapping[int, Sequence[int]],
    *,
    name: str,
    writer: str,
) -> dict[int, bytes]:
    """Write everything and commit under `name`, in one round trip or, where a shard drains, two; give the new tokens.

    Raises:
        Conflict: another writer was in a shard, although its cursor row was locked; nothing was written.
        DataRefused: Postgres cannot store a value; nothing was written.
        UnknownCommit: the connection broke.
    """
    tokens = {batch.cursor.shard: os.urandom(TOKEN_BYTES) for batch in batches}
    with committing(connection, name):
        insert_dead_letters(connection, [letter for batch in batches for letter in batch.output.letters], writer=writer)
        drains = _write_held(connection, batches)
        _write_instances(connection, batches)
        steps = [row for batch in batches for row in batch.output.journal]
        _run(connection, "insert_journal", _JOURNAL, steps, at=batches[0].now)
        _run(connection, "insert_outbox", _OUTBOX, [row for batch in batches for row in batch.output.outbox])
        _write_timers(connection, batches)
        _move(connection, batches, heads, drains, tokens, writer=writer)
    return tokens


def _run(
    connection: Connection, name: str, names: Sequence[str], rows: Sequence[Sequence[Any]], **parameters: Any
) -> None:
    if rows:
        _SQL[name].run(connection, columns(names, rows) | parameters)


def _write_held(connection: Connection, batches: Sequence[ShardBatch]) -> set[int]:
    """Write what is held and what no longer is; give the shards that still drain."""
    kept = [
        (*_held_row(event), holder)
        for batch in batches
        for event, holder in zip(batch.output.held, batch.output.holders, strict=True)
    ]
    _run(connection, "insert_held", _HELD, kept)
    gone = [
        (event.shard, event.holder, event.queue, event.number) for batch in batches for event in batch.output.unheld
    ]
    _run(connection, "delete_held", ("shards", "holders", "queues", "numbers"), gone)
    shards = [batch.cursor.shard for batch in batches if batch.cursor.draining]
    if not shards:
        return set()
    by_shard = {batch.cursor.shard: batch for batch in batches}
    still: set[int] = set()
    for shard, id_, count in _SQL["count_held"].run(connection, {"shards": shards}).fetchall():
        if not by_shard[shard].finish_draining(id_, left=count):
            still.add(shard)
    return still


def _held_row(event: Waiting) -> tuple[Any, ...]:
    return (
        *(event.shard, event.queue, event.number, *event.address, event.kind, event.event_id, event.source),
        *(event.type, event.time, event.data, event.traceparent, event.instance, event.timer, event.armed),
    )


def _write_instances(connection: Connection, batches: Sequence[ShardBatch]) -> None:
    births, changes = [], []
    for batch in batches:
        for address, life in batch.output.changed.items():
            if address in batch.output.born:
                births.append((life.shard, life.id, *address, life.channel, *_present(life)))
            else:
                changes.append((life.shard, life.id, *_present(life)))
    # In the order of their index and their births: of a million rows, a batch touches fewer pages, each once.
    changes.sort(key=_ID)
    _run(connection, "insert_instances", _BIRTHS, births)
    _run(connection, "update_instances", _INSTANCES, changes)


def _present(life: Life) -> tuple[Any, ...]:
    return (
        *(life.placed, life.version, life.semantics, life.state.position, life.n, life.mode, life.encoded, life.note),
    )


def _write_timers(connection: Connection, batches: Sequence[ShardBatch]) -> None:
    cancelled = sorted(row for batch in batches for row in batch.output.cancelled)
    for name in ("delete_timers", "delete_timers_late"):
        _run(connection, name, _TIMER_KEYS, cancelled)
    armed = [row for batch in batches for row in batch.output.armed.values()]
    _run(connection, "insert_timers", _TIMERS, armed)


def _move(
    connection: Connection,
    batches: Sequence[ShardBatch],
    heads: Mapping[int, Sequence[int]],
    draining: set[int],
    tokens: Mapping[int, bytes],
    *,
    writer: str,
) -> None:
    rows, moves = [], []
    for batch in batches:
        cursor, output = batch.cursor, batch.output
        after, token = numbers_text(batch.numbers), tokens[cursor.shard]
        rows.append(
            (
                *(cursor.shard, cursor.batch + 1, cursor.n, batch.n, numbers_text(cursor.numbers), after),
                *(numbers_text(heads[cursor.shard]), output.stepped, len(output.held), len(output.letters)),
                *(output.dropped, output.drained, cursor.token, token),
            )
        )
        moves.append(
            (
                *(cursor.shard, after, batch.n, cursor.batch + 1, batch.outbox_number, token, cursor.token),
                cursor.shard in draining,
            )
        )
    _SQL["insert_batches"].run(connection, {**columns(_BATCHES, rows), "writer": writer})
    _SQL["move_cursors"].run(connection, {**columns(_CURSORS, moves), "writer": writer})
