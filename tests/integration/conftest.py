"""Databases for tests: copied from a template that has all migrations, which takes a fraction of a second."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import psycopg
import pytest
from addresses import Database, PostgresAt
from psycopg import sql

from foliot.store import schema

_PASSWORD = "foliot"  # noqa: S105 - of roles on a server for tests


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresAt) -> Iterator[str]:
    """The name of a database with Foliot's tables and the first rows, to which nobody connects."""
    with _database(postgres_server, template="template0") as name:
        schema.upgrade(postgres_server.dsn_of(name))
        with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
            for role in ("foliot_service", "foliot_front"):
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(_PASSWORD))
                )
        yield name


@pytest.fixture(scope="module")
def database(postgres_server: PostgresAt, template_database: str) -> Iterator[Database]:
    """A database that the tests of one module share."""
    with _database(postgres_server, template=template_database) as name:
        yield _ways_into(postgres_server, name)


@pytest.fixture
def fresh_database(postgres_server: PostgresAt, template_database: str) -> Iterator[Database]:
    """A database that one test has for itself."""
    with _database(postgres_server, template=template_database) as name:
        yield _ways_into(postgres_server, name)


@contextlib.contextmanager
def _database(server: PostgresAt, *, template: str) -> Iterator[str]:
    name = f"foliot_test_{secrets.token_hex(6)}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        yield name
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _ways_into(server: PostgresAt, name: str) -> Database:
    return Database(
        name=name,
        owner=server.dsn_of(name),
        service=server.dsn_of(name, role="foliot_service", password=_PASSWORD),
        front=server.dsn_of(name, role="foliot_front", password=_PASSWORD),
    )
