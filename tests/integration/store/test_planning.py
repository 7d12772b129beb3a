"""Tables grow under the plans of a session: it makes them anew."""

from __future__ import annotations

import psycopg
from addresses import Database

from foliot.store import Connection, connect, load
from foliot.store.connection import PLANNED_ROWS

LOAD = load("step")["load_instances"]
INSTANCES = 5_000
ASKED = 100
FILL = """
INSERT INTO instances (shard, id, tenant, machine, key, channel, placed, version, semantics, position, n, mode, state)
SELECT 1, i, 1, 1, 'k' || i, 'stable', 1, 1, 1, 1, i, 'running', '{}' FROM generate_series(1, %s) i
"""


def test_a_session_that_planned_on_empty_tables_comes_to_read_no_more_rows_than_it_asks_for(database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        # Statistics that come by themselves would make the plans anew.
        owner.execute("ALTER TABLE instances SET (autovacuum_enabled = off)")
        # Only a table whose emptiness is known by its statistics is planned as one.
        owner.execute("VACUUM ANALYZE instances")
    with connect(database.owner, application="planning") as connection:
        _rows_read(connection)
        with psycopg.connect(database.owner) as owner:
            owner.execute(FILL, (INSTANCES,))
        before = _rows_read(connection)

        for _ in range(PLANNED_ROWS // ASKED):
            _rows_read(connection)

        assert before > 10 * ASKED
        assert _rows_read(connection) == ASKED


def _rows_read(connection: Connection) -> int:
    """Ask for some instances by their addresses; tell how many rows were looked at for that."""
    keys = [f"k{n}" for n in range(1, ASKED + 1)]
    columns = {"shards": [1] * ASKED, "tenants": [1] * ASKED, "machines": [1] * ASKED, "keys": keys}
    before = _rows_read_so_far(connection)
    LOAD.run(connection, columns).fetchall()
    after = _rows_read_so_far(connection)
    connection.commit()
    return after - before


def _rows_read_so_far(connection: Connection) -> int:
    count = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'instances'"
    [(read,)] = connection.execute(count).fetchall()
    return int(read)
