"""The tables of the hand-made peers, seen from the rig."""

from __future__ import annotations

from benchmarks.contenders.contender import State
from benchmarks.rig import Database

_TABLES = """
CREATE TABLE incidents (
    key text PRIMARY KEY,
    position bigint NOT NULL,
    state jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE incident_journal (
    key text NOT NULL,
    position bigint NOT NULL,
    outcome text NOT NULL,
    event jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, position)
)"""


def make_ledger(database: Database) -> None:
    """Make the tables that benchmarks/peers/ledger.py writes."""
    database.execute(_TABLES)


def ledger_done(database: Database) -> int:
    """Count the events applied."""
    return database.number("SELECT count(*) FROM incident_journal")


def ledger_state(database: Database, key: str) -> State | None:
    """Look at one incident."""
    rows = database.rows("SELECT state FROM incidents WHERE key = %s", key)
    return state_of(rows[0][0]) if rows else None


def state_of(document: object) -> State:
    """Read an incident's state as the hand-made peers write it."""
    if not isinstance(document, dict):
        raise TypeError(f"not a state: {document!r}")
    return (document["at"], document["chain"], document["seen"], document["notes"])
