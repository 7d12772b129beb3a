"""Where the tests' servers and databases are, and how to ask a database whether work waits in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

# The shards where an event waits, or an instance drains what was held.
WORK: Final = "SELECT shard FROM heads h JOIN cursors c USING (shard) WHERE h.numbers <> c.numbers OR c.draining"


@dataclass(frozen=True, slots=True)
class PostgresAt:
    """A PostgreSQL server; `dsn` is a superuser's way into its database `postgres`."""

    dsn: str

    def dsn_of(self, database: str, *, role: str = "", password: str = "") -> str:
        """Return the way into a database of this server, as the superuser or as `role`."""
        parts = urlsplit(self.dsn)
        _, at, where = parts.netloc.rpartition("@")
        netloc = f"{role}:{password}{at}{where}" if role else parts.netloc
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))


@dataclass(frozen=True, slots=True)
class ValkeyAt:
    """A Valkey or Redis server."""

    url: str


@dataclass(frozen=True, slots=True)
class KafkaAt:
    """A broker; `durable` tells whether its records survive a restart."""

    address: str
    durable: bool


@dataclass(frozen=True, slots=True)
class Database:
    """A database with Foliot's tables: the ways in of its three roles."""

    name: str
    owner: str
    service: str
    front: str
