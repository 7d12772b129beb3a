"""One contender's database: counts, bytes of log, sizes of tables, through a connection that is not counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString, cast

import psycopg
from psycopg import sql

# A table that has no partitions has no tree either; the partitioned one itself weighs nothing.
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::int8
     + coalesce(sum((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(to_regclass(name)))), 0)::int8
FROM unnest(%s::text[]) AS name"""


class Database:
    """A watcher's connection to one database; `pid` is its backend, whose CPU is nobody's work."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True)

    @property
    def pid(self) -> int:
        """The process id of the backend behind this connection."""
        return self._connection.info.backend_pid

    def execute(self, statement: LiteralString, *arguments: object) -> None:
        """Run one statement."""
        self._connection.execute(statement, arguments or None)

    def number(self, query: LiteralString) -> int:
        """Ask for one number; nothing counts as 0."""
        row = self._connection.execute(query).fetchone()
        return int(row[0] or 0) if row else 0

    def rows(self, query: LiteralString, *arguments: object) -> list[tuple[object, ...]]:
        """Ask for rows."""
        return cast("list[tuple[object, ...]]", self._connection.execute(query, arguments or None).fetchall())

    def wal(self) -> int:
        """Give the position in the write-ahead log, in bytes: of the whole server."""
        return self.number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

    def full_page_images(self) -> int:
        """Count the pages that were written whole into the log, each at its first change after a checkpoint."""
        return self.number("SELECT wal_fpi FROM pg_stat_wal")

    def version(self) -> str:
        """Name the server's version, and whether its shared memory is in huge pages."""
        version = str(self.rows("SHOW server_version")[0][0]).split()[0]
        status = self.rows("SELECT current_setting('huge_pages_status', true)")[0][0]
        return f"{version} with huge pages" if status == "on" else version

    def weigh(self, tables: Sequence[str]) -> int:
        """Give the bytes of tables with their indexes, TOAST and partitions."""
        row = self._connection.execute(_SIZE, (list(tables),)).fetchone()
        return int(row[0]) if row else 0

    def compact(self, tables: Sequence[str]) -> None:
        """Write tables anew without dead rows and half-empty pages."""
        for table in tables:
            self._connection.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(sql.Identifier(*table.split("."))))

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
