"""Postgres: tables, migrations and the SQL of every hot path. The one package that speaks to the driver."""

from foliot.store import tables
from foliot.store.connection import (
    Conflict,
    Connection,
    DataRefused,
    StoreError,
    StoreUnavailable,
    TransactionLost,
    UnknownCommit,
    connect,
    roll_back,
    translated,
)
from foliot.store.statements import Statement, commit, crash_point, load
from foliot.store.upgrade import newest_revision, upgrade

__all__ = [
    "Conflict",
    "Connection",
    "DataRefused",
    "Statement",
    "StoreError",
    "StoreUnavailable",
    "TransactionLost",
    "UnknownCommit",
    "commit",
    "connect",
    "crash_point",
    "load",
    "newest_revision",
    "roll_back",
    "tables",
    "translated",
    "upgrade",
]
