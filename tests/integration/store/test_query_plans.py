"""Every named statement says what it takes, gives, locks and rides, and rides what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import orjson
import psycopg
import pytest
from addresses import Database

from foliot.store import connect, load
from foliot.store.statements import HEADER_FIELDS, Statement

ROWS = 20_000
LARGE = {
    *(
        "inbox",
        "inbox_late",
        "journal",
        "instances",
        "held",
        "timers",
        "timers_late",
        "outbox",
        "outbox_late",
        "dedupe",
    ),
    "dead_letters",
}
"""Tables that grow with events; the others have a row a shard, or what people entered."""
WHOLE = {"views.population"}
"""Statements that want most of a large table, or are asked for once in a while; their headers say so."""
FOR_PEOPLE = {"registry", "repair"}
"""Files about the registry's small tables, where either index will do, and about repairs, whose sessions are short."""
FILES = sorted(file.name.removesuffix(".sql") for file in resources.files("foliot.store").joinpath("sql").iterdir())
STATEMENTS = {statement.name: statement for path in FILES for statement in load(path).values()}
PLANNED = sorted(STATEMENTS.keys() - {"sweep.short_lock_timeout"})
"""A SET has no plan."""
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
INSERT INTO dedupe (generation, tenant, claim, payload_hash)
SELECT i % 5, 1, ('e' || i)::bytea, '\\x00' FROM generate_series(1, {rows}) i;
INSERT INTO dead_letters (tenant, status, stage, code, what, place, remedy, instance)
SELECT 1, CASE WHEN i % 10 = 0 THEN 'open' ELSE 'redriven' END, 'park', 'c', 'w', 'p', 'r', i
FROM generate_series(1, {rows}) i;
INSERT INTO tenants (slug) SELECT 't' || i FROM generate_series(1, 100) i;
INSERT INTO machines (tenant, name) SELECT i % 100, 'm' || i FROM generate_series(1, 1000) i;
INSERT INTO versions (tenant, machine, version, hash, definition, source)
SELECT i / 1000, i / 1000, i, 'h' || i, '{{}}', '' FROM generate_series(1, 10000) i;
"""


@dataclass(frozen=True, slots=True)
class Relations:
    """What the schema has: by index its table, and by part of a ring (a table's or an index's) the whole."""

    names: frozenset[str]
    tables: dict[str, str]
    wholes: dict[str, str]


Plans = dict[str, dict[str, dict[str, Any]]]
"""By what the tables hold, then by statement: the plan that a session of Foliot gets."""


@pytest.fixture(scope="module")
def plans(database: Database) -> Plans:
    """Plan everything in a new database, then in one with rows and statistics: sessions outlive the beginning."""
    empty = {name: _plan(database, STATEMENTS[name]) for name in PLANNED}
    with psycopg.connect(database.owner) as connection:
        for statement in FILL.format(rows=ROWS).split(";\n"):
            connection.execute(statement)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return {"empty": empty, "full": {name: _plan(database, STATEMENTS[name]) for name in PLANNED}}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_has_its_four_header_lines(name: str) -> None:
    assert tuple(STATEMENTS[name].header) == HEADER_FIELDS


@pytest.fixture(scope="module")
def relations(database: Database) -> Relations:
    with psycopg.connect(database.owner) as connection:
        found = connection.execute(
            """
            SELECT c.relname, t.relname, w.relname
            FROM pg_class c
            LEFT JOIN pg_index i ON i.indexrelid = c.oid
            LEFT JOIN pg_class t ON t.oid = i.indrelid
            LEFT JOIN pg_class w ON w.oid = pg_partition_root(c.oid)
            WHERE c.relnamespace = 'public'::regnamespace
            """
        ).fetchall()
    return Relations(
        names=frozenset(name for name, _, _ in found),
        tables={name: table for name, table, _ in found if table is not None},
        wholes={name: whole or name for name, _, whole in found},
    )


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_header_names_indexes_and_tables_that_are_there(relations: Relations, name: str) -> None:
    words = set(re.findall(r"\b[a-z]+_[a-z_]+\b", STATEMENTS[name].header["index"]))

    assert words <= relations.names


@pytest.mark.parametrize(
    ("tables", "name"),
    [("full", name) for name in PLANNED]
    + [("empty", name) for name in PLANNED if name.partition(".")[0] not in FOR_PEOPLE],
)
def test_a_statement_rides_the_indexes_that_its_header_names(
    plans: Plans, relations: Relations, tables: str, name: str
) -> None:
    named = _named(STATEMENTS[name])

    used = _used(plans[tables][name], relations)

    # Those of small tables are ridden by chance too, so for them it is enough that what is named is used.
    assert named <= used
    assert {index for index in used - named if relations.tables[index] in LARGE} == set()


@pytest.mark.parametrize("name", [name for name in PLANNED if name not in WHOLE])
@pytest.mark.parametrize("tables", ["empty", "full"])
def test_a_statement_looks_for_each_row_of_a_large_table_by_its_key(
    plans: Plans, relations: Relations, tables: str, name: str
) -> None:
    parts = list(_parts(plans[tables][name]))

    read = {relations.wholes.get(part["Relation Name"]) for part in parts if part["Node Type"] == "Seq Scan"}

    assert read & LARGE == set()
    unasked = {part["Index Name"] for part in parts if "Index Name" in part and "Index Cond" not in part}
    # Postgres's own tables are not among the relations.
    wholes = {relations.wholes[index] for index in unasked & relations.wholes.keys()}
    assert {index for index in wholes if relations.tables[index] in LARGE} == set()
    assert {part["Node Type"] for part in parts} & {"Hash Join", "Merge Join"} == set()


def _named(statement: Statement) -> set[str]:
    names = statement.header["index"].partition(";")[0]
    return set() if names == "none" else set(names.split(", "))


def _plan(database: Database, statement: Statement) -> dict[str, Any]:
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement.text)))
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement.text).replace("%%", "%")
    with connect(database.owner, application="plans") as connection:
        cursor = psycopg.ClientCursor(connection)
        [(found,)] = cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}").fetchall()
    plan: dict[str, Any] = (found if isinstance(found, list) else orjson.loads(found))[0]["Plan"]
    return plan


def _parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _parts(part)


def _used(plan: dict[str, Any], relations: Relations) -> set[str]:
    """Name the indexes of the schema that a plan rides, or asks whether a row is there."""
    used = {part["Index Name"] for part in _parts(plan) if "Index Name" in part}
    used |= {index for part in _parts(plan) for index in part.get("Conflict Arbiter Indexes", [])}
    return {relations.wholes[index] for index in used if index in relations.tables}
