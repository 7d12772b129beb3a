# ruff: noqa: S608 - the queries are put together of words that stand here
"""What a database holds, without the times, tokens and names that differ from one run to the next."""

from __future__ import annotations

from typing import Any, Final

import orjson
import psycopg

_WAITING: Final = (
    "shard, queue, number, tenant, machine, key, kind, event_id, source, type, time, data, traceparent, instance,"
    " timer, armed"
)
_MESSAGE: Final = "shard, number, tenant, machine, key, n, id, topic, traceparent, body"
_TIMER: Final = "shard, instance, timer, armed, tenant, machine, key, queue, type, data, traceparent"
_QUERIES: Final = {
    "instances": "SELECT shard, id, tenant, machine, key, channel, placed, version, semantics, position, n, mode, note,"
    " released, state FROM instances",
    "journal": "SELECT shard, n, tenant, instance, position, previous_n, kind, outcome, version, semantics, queue,"
    " number, event_id, source, type, time, data, traceparent, timer, armed, transitions, detail, state FROM journal",
    "inbox": f"SELECT segment, {_WAITING} FROM inbox",
    "inbox_late": f"SELECT {_WAITING} FROM inbox_late",
    "held": f"SELECT holder, {_WAITING} FROM held",
    "outbox": f"SELECT segment, {_MESSAGE} FROM outbox",
    "outbox_late": f"SELECT {_MESSAGE} FROM outbox_late",
    "timers": f"SELECT segment, {_TIMER} FROM timers",
    "timers_late": f"SELECT {_TIMER} FROM timers_late",
    "dead_letters": "SELECT tenant, status, stage, code, what, place, remedy, topic_id, topic, partition, d.offset,"
    " headers, raw, shard, queue, number, instance, machine, key, event_id, source, type, event, attempts, traceparent"
    " FROM dead_letters d",
    "dedupe": "SELECT * FROM dedupe",
    "heads": "SELECT shard, numbers, segment FROM heads",
    "cursors": "SELECT shard, numbers, n, outbox, draining FROM cursors",
    # How many events were held for a moment depends on where one batch ends and the next begins.
    "batches": "SELECT shard, sum(stepped) AS stepped, sum(dead) AS dead, sum(dropped) AS dropped, max(n_after) AS n,"
    " max(batch) = count(*) AS gapless FROM batches GROUP BY shard HAVING sum(stepped) + sum(dead) + sum(dropped) > 0",
    "relays": "SELECT shard, sent, changes FROM relays",
    "rings": "SELECT name, segment, segments, ready FROM rings",
    "offsets": "SELECT topic_id, partition, topic, next, stopped FROM offsets",
    "intakes": "SELECT topic_id, partition, first, next, accepted, duplicates, dead FROM intakes",
    # A process that starts again may say again what it found.
    "alarms": "SELECT DISTINCT code, tenant, shard, what FROM alarms",
    "tenants": "SELECT slug FROM tenants",
    "machines": "SELECT t.slug, m.name FROM machines m JOIN tenants t ON t.number = m.tenant",
    "versions": "SELECT m.name, v.version, v.hash, v.definition, v.source, v.deprecated_at IS NOT NULL AS old"
    " FROM versions v JOIN machines m ON m.number = v.machine",
    "channels": "SELECT m.name AS machine, c.name, c.version, c.all_version FROM channels c"
    " JOIN machines m ON m.number = c.machine",
    "topics": "SELECT p.topic, t.slug FROM topics p JOIN tenants t ON t.number = p.tenant",
    "routes": "SELECT name, topic, definition, enabled FROM routes",
    "schemas": "SELECT name, schema FROM schemas",
    "installation": "SELECT shards, map_epoch, semantics FROM installation",
}
"""Attempts are hints, and what operations note depends on revisions, which move with every try."""
NOT_DUMPED: Final = frozenset({"api_keys", "attempts", "operations"})

Dump = dict[str, list[str]]


def dump(dsn: str) -> Dump:
    """Read every table as sorted texts."""
    with psycopg.connect(dsn) as connection:
        return {table: _rows(connection, query) for table, query in _QUERIES.items()}


def dumped_tables() -> set[str]:
    """Name what `dump` reads."""
    return set(_QUERIES)


def _rows(connection: psycopg.Connection[Any], query: str) -> list[str]:
    cursor = connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    return sorted(repr(_steady(dict(zip(names, row, strict=True)))) for row in cursor)


def _steady(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("state"):
        state = orjson.loads(row["state"])
        for timer in state["timers"].values():
            del timer["due"]
        row["state"] = state
    if row.get("body"):
        body = orjson.loads(row["body"])
        del body["time"]
        row["body"] = body
    return row
