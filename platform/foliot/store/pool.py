"""A few connections that many threads share, for what people and programs ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from foliot.store.connection import Connection, StoreUnavailable, session, translated


class PoolExhausted(StoreUnavailable):
    """All connections are in use; the same call a little later may do."""

    code: ClassVar[str] = "pool_exhausted"
    remedy: ClassVar[str] = "Call again a little later, or raise FOLIOT_API_CONNECTIONS."


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that are open, and those of them that are lent; calls that wait for one."""

    size: int
    lent: int
    waiting: int


class Pool:
    """At most `size` connections; a call that gets none within `wait_s` is refused, and so are those beyond the queue.

    Bad connections are replaced. Open it after the last fork.
    """

    def __init__(self, dsn: str, *, application: str, size: int, wait_s: float, timeout_ms: int) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            connection_class=Connection,
            kwargs=session(application, timeout_ms=timeout_ms),
            min_size=1,
            max_size=size,
            max_waiting=8 * size,
            timeout=wait_s,
            name=application,
            check=ConnectionPool.check_connection,
            open=False,
        )

    def __enter__(self) -> Self:
        """Open it; connections are made in the background."""
        self._pool.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._pool.close()

    def use(self) -> PoolUse:
        """Tell how much it is used."""
        found = self._pool.get_stats()
        size = found.get("pool_size", 0)
        return PoolUse(size, size - found.get("pool_available", 0), found.get("requests_waiting", 0))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection; its transaction is committed at the end, or rolled back with an exception.

        Raises:
            PoolExhausted: none was free in time.
            StoreError: the commit failed.
        """
        try:
            lent = self._pool.getconn()
        except (PoolTimeout, TooManyRequests) as error:
            raise PoolExhausted("no connection to Postgres was free in time", where="pool") from error
        try:
            with translated("pool"), lent:
                yield lent
        finally:
            self._pool.putconn(lent)
