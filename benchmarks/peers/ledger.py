"""One event applied to the tables of the hand-made peers: a row lock, the table of transitions, two writes.

Imported by the programs of naive Celery and of DBOS, in their own environments.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads

from benchmarks.peers.incident import INITIAL, step

_LOCK: Final = "SELECT position, state FROM incidents WHERE key = %s FOR UPDATE"
_BEAR: Final = "INSERT INTO incidents (key, position, state) VALUES (%s, 0, %s) ON CONFLICT (key) DO NOTHING"
_STORE: Final = "UPDATE incidents SET position = %s, state = %s WHERE key = %s"
_WRITE_DOWN: Final = "INSERT INTO incident_journal (key, position, outcome, event) VALUES (%s, %s, %s, %s)"

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)


def apply(connection: Connection[Any], document: str | bytes) -> None:
    """Apply an event within the connection's transaction, which the caller commits."""
    event = orjson.loads(document)
    key = event["subject"]
    row = connection.execute(_LOCK, (key,)).fetchone()
    if row is None:
        connection.execute(_BEAR, (key, Jsonb(INITIAL)))
        row = connection.execute(_LOCK, (key,)).fetchone()
    if row is None:
        raise LookupError(f"incident {key} is neither there nor could it be made")
    position, state = row[0] + 1, row[1]
    after = step(state, event["id"], event["type"], event["data"])
    connection.execute(_STORE, (position, Jsonb(after or state), key))
    connection.execute(_WRITE_DOWN, (key, position, "taken" if after else "ignored", Jsonb(event)))
