"""Postgres: connections and the SQL of every hot path. The one package that speaks to the driver."""

from foliot.store.arrays import columns, numbers_text
from foliot.store.connection import (
    Conflict,
    Connection,
    Cursor,
    DataRefused,
    IdsReused,
    RegistryMoved,
    StoreError,
    StoreUnavailable,
    TransactionLost,
    UnknownCommit,
    connect,
    end_reading,
    let_go,
    pipelined,
    roll_back,
    translated,
)
from foliot.store.pool import Pool, PoolExhausted
from foliot.store.statements import Statement, commit, committing, crash_point, load
from foliot.store.vocabulary import (
    JOURNAL_KINDS,
    JOURNAL_OUTCOMES,
    KIND_EVENT,
    KIND_TIMER,
    QUEUES,
)

__all__ = [
    "JOURNAL_KINDS",
    "JOURNAL_OUTCOMES",
    "KIND_EVENT",
    "KIND_TIMER",
    "QUEUES",
    "Conflict",
    "Connection",
    "Cursor",
    "DataRefused",
    "IdsReused",
    "Pool",
    "PoolExhausted",
    "RegistryMoved",
    "Statement",
    "StoreError",
    "StoreUnavailable",
    "TransactionLost",
    "UnknownCommit",
    "columns",
    "commit",
    "committing",
    "connect",
    "crash_point",
    "end_reading",
    "let_go",
    "load",
    "numbers_text",
    "pipelined",
    "roll_back",
    "translated",
]
