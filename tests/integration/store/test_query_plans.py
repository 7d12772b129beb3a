"""Every named statement says what it takes, gives, locks and rides; the hot ones read no large table whole."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import orjson
import psycopg
import pytest
from addresses import Database

from foliot.store import load
from foliot.store.statements import HEADER_FIELDS, Statement

ROWS = 20_000
LARGE = re.compile(r"(inbox|journal|instances|held|timers|outbox|dedupe)(_\d|_late)?")
FILES = sorted(file.name.removesuffix(".sql") for file in resources.files("foliot.store").joinpath("sql").iterdir())
STATEMENTS = {statement.name: statement for path in FILES for statement in load(path).values()}
HOT = [
    name
    for name in STATEMENTS
    if name.partition(".")[0] in {"step", "intake", "attempts", "relay", "repair", "history"}
]
FILL = """
INSERT INTO inbox (segment, shard, queue, number, tenant, machine, key, event_id, source, type)
SELECT i % 4, i % 64, 2 * (i % 4), i, 1, 1, 'k' || i, 'e' || i, 's', 't' FROM generate_series(1, {rows}) i;
INSERT INTO inbox_late (shard, queue, number, tenant, machine, key, event_id, source, type)
SELECT i % 64, 2 * (i % 4), i, 1, 1, 'k' || i, 'e' || i, 's', 't' FROM generate_series(1, {rows}) i;
INSERT INTO held (shard, queue, number, tenant, machine, key, event_id, source, type, holder)
SELECT i % 64, 4, i, 1, 1, 'k' || i, 'e' || i, 's', 't', i % 1000 FROM generate_series(1, {rows}) i;
INSERT INTO instances (shard, id, tenant, machine, key, channel, placed, version, semantics, position, n, mode, state)
SELECT i % 64, i, 1, 1, 'k' || i, 'stable', 1, 1, 1, 1, i, CASE WHEN i % 500 = 0 THEN 'draining' ELSE 'running' END,
       '{{}}' FROM generate_series(1, {rows}) i;
INSERT INTO journal (shard, n, tenant, instance, position, kind, outcome, version, semantics, state_hash, at)
SELECT i % 64, i / 64, 1, i, 1, 0, 0, 1, 1, '\\x00', clock_timestamp() FROM generate_series(1, {rows}) i;
INSERT INTO outbox (segment, shard, number, tenant, machine, key, n, id, topic, body)
SELECT i % 4, i % 64, i, 1, 1, 'k', i, i, 't', '{{}}' FROM generate_series(1, {rows}) i;
INSERT INTO outbox_late (shard, number, tenant, machine, key, n, id, topic, body)
SELECT i % 64, i, 1, 1, 'k', i, i, 't', '{{}}' FROM generate_series(1, {rows}) i;
INSERT INTO timers (segment, shard, instance, timer, armed, due, tenant, machine, key, queue, type)
SELECT i % 4, i % 64, i, 't', 1, clock_timestamp() + i * interval '1 second', 1, 1, 'k', 4, 't'
FROM generate_series(1, {rows}) i;
INSERT INTO timers_late (shard, instance, timer, armed, due, tenant, machine, key, queue, type)
SELECT i % 64, i, 't', 1, clock_timestamp() + i * interval '1 second', 1, 1, 'k', 4, 't'
FROM generate_series(1, {rows}) i;
INSERT INTO dedupe (generation, shard, tenant, source, id, machine, key, payload_hash)
SELECT i % 5, i % 64, 1, 's', 'e' || i, 1, 'k', '\\x00' FROM generate_series(1, {rows}) i;
"""


@pytest.fixture(scope="module")
def full(database: Database) -> Database:
    with psycopg.connect(database.owner) as connection:
        for statement in FILL.format(rows=ROWS).split(";\n"):
            connection.execute(statement)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return database


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_has_its_four_header_lines(name: str) -> None:
    assert tuple(STATEMENTS[name].header) == HEADER_FIELDS


def _plan(database: Database, statement: Statement) -> dict[str, Any]:
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement.text)))
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement.text).replace("%%", "%")
    with psycopg.connect(database.owner) as connection:
        connection.execute("SET jit = off")
        cursor = psycopg.ClientCursor(connection)
        [(found,)] = cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}").fetchall()
    plan: dict[str, Any] = (found if isinstance(found, list) else orjson.loads(found))[0]["Plan"]
    return plan


def _scans(plan: dict[str, Any]) -> list[tuple[str, str]]:
    own = [(plan["Node Type"], plan["Relation Name"])] if "Relation Name" in plan else []
    return own + [scan for part in plan.get("Plans", []) for scan in _scans(part)]


@pytest.mark.parametrize("name", HOT)
def test_a_hot_statement_reads_no_large_table_whole(full: Database, name: str) -> None:
    plan = _plan(full, STATEMENTS[name])

    assert [table for kind, table in _scans(plan) if kind == "Seq Scan" and LARGE.fullmatch(table)] == []
