"""The tables that the migrations make are those that the code declares, and each role sees what it should."""

from __future__ import annotations

import psycopg
import pytest
from addresses import Database, PostgresAt
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from foliot.store.schema import newest_revision, tables, upgrade


def _is_partition(entry: object, names: set[str]) -> bool:
    """A segment of a ring is no table of its own in the metadata."""
    return isinstance(entry, tuple) and entry[0] == "remove_table" and entry[1].name.rpartition("_")[0] in names


def test_the_migrations_make_what_the_metadata_declares(database: Database) -> None:
    engine = create_engine(make_url(database.owner).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    rings = {"inbox", "outbox", "timers", "dedupe"}

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)

    inherited = [e for e in differences if isinstance(e, tuple) and e[0] == "remove_index"]
    assert [e for e in differences if not _is_partition(e, rings) and e not in inherited] == []
    assert all(index.table.name.rpartition("_")[0] in rings for _, index in inherited)


def test_no_index_depends_on_the_locale_of_the_database(database: Database) -> None:
    # Alembic's own table has one row.
    with psycopg.connect(database.owner) as connection:
        dependent = connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid,"
            " unnest(indcollation) AS kind WHERE relnamespace = 'public'::regnamespace"
            " AND relname <> 'alembic_version' AND kind NOT IN (0, 'pg_catalog.\"C\"'::regcollation)"
        ).fetchall()

    assert dependent == []


def test_an_upgrade_twice_changes_nothing(fresh_database: Database) -> None:
    first = upgrade(fresh_database.owner)

    assert upgrade(fresh_database.owner) == first == newest_revision()


@pytest.fixture
def two_tenants(fresh_database: Database) -> Database:
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("INSERT INTO tenants (slug) VALUES ('other')")
        for tenant in (1, 2):
            connection.execute(
                "INSERT INTO instances (shard, id, tenant, machine, key, channel, placed, version, semantics, position,"
                " n, state) VALUES (0, %s, %s, 1, 'k', 'stable', 1, 1, 1, 1, 1, '{}')",
                (tenant * 4096, tenant),
            )
            connection.execute("INSERT INTO machines (tenant, name) VALUES (%s, 'm')", (tenant,))
    return fresh_database


def _seen_by_front(database: Database, table: str, tenant: str | None) -> list[int]:
    with psycopg.connect(database.front) as connection:
        if tenant is not None:
            connection.execute("SELECT set_config('app.tenant', %s, true)", (tenant,))
        rows = connection.execute(sql.SQL("SELECT tenant FROM {}").format(sql.Identifier(table))).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("table", ["instances", "machines"])
def test_the_front_role_sees_its_tenants_rows_only(two_tenants: Database, table: str) -> None:
    seen = {tenant: _seen_by_front(two_tenants, table, tenant) for tenant in ("1", "2", "3", "", None)}

    assert seen == {"1": [1], "2": [2], "3": [], "": [], None: []}


@pytest.mark.parametrize("table", [table.name for table in tables.FRONT_TABLES])
def test_the_front_role_writes_nothing(two_tenants: Database, table: str) -> None:
    with psycopg.connect(two_tenants.front) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


@pytest.mark.parametrize(
    "table",
    # Of the tenants it sees its own row: tests of the API look at that.
    sorted(
        {
            table.name
            for table in tables.metadata.sorted_tables
            if table not in tables.FRONT_TABLES and table.name != "tenants"
        }
    ),
)
def test_the_front_role_cannot_read_what_is_not_its_own(two_tenants: Database, table: str) -> None:
    with psycopg.connect(two_tenants.front) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))


def test_the_front_role_reads_no_partition_and_no_view_beside_the_tables(database: Database) -> None:
    # Row-level security of a table does not hold for who reads its partitions by their own names.
    with psycopg.connect(database.owner) as connection:
        readable = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v', 'm') AND has_any_column_privilege('foliot_front', oid, 'SELECT')"
        ).fetchall()

    assert {name for (name,) in readable} == {"tenants", *(table.name for table in tables.FRONT_TABLES)}


@pytest.mark.parametrize("table", [table.name for table in tables.TENANT_TABLES])
def test_every_table_with_tenants_rows_is_under_forced_row_level_security(database: Database, table: str) -> None:
    with psycopg.connect(database.owner) as connection:
        row = connection.execute(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", (table,)
        ).fetchone()

    assert row == (True, True)


def test_every_table_with_a_tenant_is_declared_as_such() -> None:
    with_tenant = {table.name for table in tables.metadata.sorted_tables if "tenant" in table.columns}

    assert with_tenant - {table.name for table in tables.TENANT_TABLES} == {"alarms", "dedupe", "topics"}


@pytest.mark.parametrize("table", ["journal", "versions", "batches", "intakes"])
def test_the_service_role_cannot_rewrite_the_truth(database: Database, table: str) -> None:
    with psycopg.connect(database.service) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


@pytest.mark.parametrize("role", ["foliot_front", "foliot_service"])
def test_only_the_owner_makes_temporary_tables(postgres_server: PostgresAt, template_database: str, role: str) -> None:
    # A database that is made by copying gets the rights of a new one, so it is the template that tells.
    with psycopg.connect(postgres_server.dsn) as connection:
        row = connection.execute("SELECT has_database_privilege(%s, %s, 'TEMP')", (role, template_database)).fetchone()

    assert row == (False,)


def test_the_written_segment_of_a_ring_is_never_emptied(database: Database) -> None:
    with psycopg.connect(database.service) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("SELECT empty_segment('inbox', 0)")
