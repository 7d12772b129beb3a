"""The database's own function for intake finds every row by an index, however large its tables are."""

from __future__ import annotations

import psycopg
from addresses import Database

from foliot.store import columns, connect, load

ROWS = 20_000
EVENTS = 500
NAMES = (
    *("claims", "hashes", "shards", "queues", "tenants", "machines", "keys", "event_ids", "sources", "types", "times"),
    *("data", "traceparents"),
)
FILL = """
INSERT INTO dedupe (generation, tenant, claim, payload_hash)
SELECT i % 5, 1, ('e' || i)::bytea, 'hash' FROM generate_series(1, {rows}) i;
INSERT INTO inbox (segment, shard, queue, number, tenant, machine, key, event_id, source, type)
SELECT i % 4, i % 64, 2 * (i % 4), i, 1, 1, 'k' || i, 'e' || i, 's', 't' FROM generate_series(1, {rows}) i
"""
READ = """
SELECT relname, seq_tup_read, idx_scan FROM pg_stat_user_tables
WHERE relname ~ '^(dedupe|inbox)_' AND (seq_tup_read > 0 OR idx_scan > 0)
"""


def test_known_and_new_claims_are_told_apart_without_reading_a_table_whole(fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.owner) as connection:
        for statement in FILL.format(rows=ROWS).split(";\n"):
            connection.execute(statement)
    ids = [f"e{number}" for number in range(ROWS - EVENTS // 2 + 1, ROWS + EVENTS // 2 + 1)]
    rows = [(id_.encode(), b"hash", n % 64, 4, 1, 1, "k", id_, "s", "t", None, None, None) for n, id_ in enumerate(ids)]
    with psycopg.connect(fresh_database.owner, autocommit=True) as owner:
        owner.execute("SELECT pg_stat_reset()")

        with connect(fresh_database.service, application="test") as connection:
            row = load("intake")["take_in"].run(connection, {"revision": 1, **columns(NAMES, rows)}).fetchone()
            connection.execute("SELECT pg_stat_force_next_flush()")
        read = {name: (rows_read, probes) for name, rows_read, probes in owner.execute(READ)}

    given, reused, _ = row or ([], None, None)
    assert [number is None for number in given] == [True] * (EVENTS // 2) + [False] * (EVENTS // 2)
    assert reused is None
    assert {rows_read for rows_read, _ in read.values()} == {0}
    assert sorted(read) == [f"dedupe_{generation}" for generation in range(5)]
