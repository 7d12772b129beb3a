"""Bring a database to the newest tables, and look whether it is there."""

from __future__ import annotations

import secrets
from importlib import resources
from typing import ClassVar, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from foliot.store.connection import StoreError, StoreUnavailable

_UPGRADE_LOCK: Final = 0x466F6C696F74
"""Advisory lock: two upgrades at once run one after the other."""


class WrongShards(StoreError):
    """The installation has another number of shards, or the number is none."""

    code: ClassVar[str] = "wrong_shards"
    remedy: ClassVar[str] = "Choose a power of two from 1 to 4096."


def upgrade(dsn_owner: str, *, shards: int = 64) -> str:
    """Apply all migrations and, on a new database, make `shards` shards. Returns the revision reached.

    Makes the roles `foliot_service` and `foliot_front` where they are missing (with LOGIN and no password: set one, or
    grant them to roles of your own).

    Raises:
        StoreUnavailable: the database does not answer.
        StoreError: `dsn_owner` is no address, or its role may not do it.
        WrongShards: `shards` is no power of two from 1 to 4096.
    """
    if not (1 <= shards <= 4096 and shards & (shards - 1) == 0):
        raise WrongShards(f"{shards} shards")
    try:
        engine = create_engine(make_url(dsn_owner).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    except ArgumentError as error:
        # Its own words would tell the address, and with it a password.
        what, remedy = "that is no address", "Write it as postgresql://owner:password@host:port/database."
        raise StoreError(what, where="dsn_owner", remedy=remedy) from error
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _seed(connection, shards)
            return _revision(connection) or ""
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        remedy = "FOLIOT_DSN_OWNER wants the role that owns the tables, and that may make roles."
        raise StoreError(str(error.orig).partition("\n")[0], where="dsn_owner", remedy=remedy) from error
    except OperationalError as error:
        raise StoreUnavailable(str(error.orig).strip(), where="dsn_owner") from error


def newest_revision() -> str:
    """Tell the revision that this code wants."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("foliot.store.schema").joinpath("migrations")))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _seed(connection: Connection, shards: int) -> None:
    made = connection.execute(
        text("INSERT INTO installation (shards, secret) VALUES (:shards, :secret) ON CONFLICT DO NOTHING"),
        {"shards": shards, "secret": secrets.token_bytes(32)},
    )
    if made.rowcount:
        for table in ("heads", "cursors", "relays"):
            connection.execute(
                text(f"INSERT INTO {table} (shard) SELECT generate_series(0, :last)"),
                {"last": shards - 1},
            )
        connection.execute(text("INSERT INTO tenants (slug) VALUES ('default')"))
