"""What all requests of one process share: connections of the front role, the tenants' catalogs, the collector."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final, Self

import structlog

from foliot.access import SCOPES, Caller, KeyRefused, authenticate, parts_of
from foliot.api.collector import Collector
from foliot.api.meters import Meters
from foliot.api.waiting import Seats
from foliot.errors import FoliotError
from foliot.history import Following, Landings
from foliot.registry import Catalog, load_own_catalog
from foliot.runtime import Wake
from foliot.settings import Settings
from foliot.store import Connection, Pool, load, pipelined

log = structlog.get_logger(__name__)

_SQL: Final = load("front")
CATALOG_S_MAX: Final = 1.0
"""How old a catalog may be by which a question is answered; events are checked against the present one."""
CALLER_S_MAX: Final = 5.0
"""How long a key is known without another look: so long a revoked key may still open."""
CALLERS_MAX: Final = 4096
DEPTH_S: Final = 1.0
_RENEW_S: Final = 0.7
"""After which what is known about the registry and the inbox is looked up anew, before anybody has to wait for it."""
_WAIT_S: Final = 2.0
_TIMEOUT_MS: Final = 5_000
_READERS: Final = 2
"""Threads that read for all streams of steps, so that these never have more connections than that at a time."""


class UnsafeRole(FoliotError):
    """The role of the front doors is not bound by row-level security."""

    code: ClassVar[str] = "unsafe_role"
    remedy: ClassVar[str] = (
        "Use the role foliot_front, or a role of your own that is a member of it and of nothing else."
    )


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    until: float


@dataclass(frozen=True, slots=True)
class _Read:
    catalog: Catalog
    at: float


class Doors:
    """Opened once a process, after the last fork."""

    def __init__(self, settings: Settings, wake: Wake) -> None:
        self.settings = settings
        self.wake = wake
        self._pool = Pool(
            settings.dsn_front,
            application="foliot-api",
            size=settings.api_connections,
            wait_s=_WAIT_S,
            timeout_ms=_TIMEOUT_MS,
        )
        self.meters = Meters()
        self.collector = Collector(settings, wake, self.catalog, self.meters)
        self._show_pool()
        self.following = Following(
            settings.dsn_front, application="foliot-api following", rest_s_max=settings.api_look_ms / 1000
        )
        self.readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        self.landings = Landings()
        self.waiters = Seats(
            "waiting requests",
            seats=settings.api_waiters_max,
            seats_of_key=settings.api_waiters_per_key_max,
            setting="WAITERS",
        )
        self.watchers = Seats(
            "streams of steps",
            seats=settings.api_watchers_max,
            seats_of_key=settings.api_watchers_per_key_max,
            setting="WATCHERS",
        )
        self.publications = Seats(
            "publications",
            seats=settings.api_publications_max,
            seats_of_key=settings.api_publications_per_key_max,
            setting="PUBLICATIONS",
        )
        self.meters.watch(
            "foliot_api_waiters", "Requests that wait until an event is applied", lambda: self.waiters.taken
        )
        self.meters.watch("foliot_api_watchers", "Streams of steps that are open", lambda: self.watchers.taken)
        self._lock = threading.Lock()
        self._callers: dict[str, _Known] = {}
        self._catalogs: dict[int, _Read] = {}
        self.known_anonymous: Caller | None = None
        """Who callers without a key are, once that was looked up."""
        self._depth, self._depth_at = 0, float("-inf")
        self._renewing = threading.Lock()

    def __enter__(self) -> Self:
        """Open connections.

        Raises:
            UnsafeRole: the role would see rows of all tenants.
        """
        self._pool.__enter__()
        try:
            self.check_role()
            self.collector.start()
            self.following.start()
        except BaseException:
            self._pool.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take in what was handed over, then close."""
        self.following.stop(self.settings.grace_s)
        self.readers.shutdown(cancel_futures=True)
        self.collector.stop()
        self._pool.__exit__(kind, error, trace)

    def _show_pool(self) -> None:
        pool = self._pool
        what = "Connections to Postgres that"
        self.meters.watch("foliot_api_pool_size", f"{what} are open", lambda: pool.use().size)
        self.meters.watch("foliot_api_pool_in_use", f"{what} are lent", lambda: pool.use().lent)
        self.meters.watch("foliot_api_pool_waiting", "Requests that wait for a connection", lambda: pool.use().waiting)
        self.meters.watch(
            "foliot_api_collector_waiting", "Requests that wait for the collector", self.collector.waiting
        )

    @contextmanager
    def reading(self, caller: Caller) -> Iterator[Connection]:
        """Lend a connection whose transaction sees the caller's rows and no others."""
        with self._pool.connection() as connection:
            with pipelined(connection, "front"):
                _SQL["set_tenant"].run(connection, {"tenant": caller.tenant})
            yield connection

    def check_role(self) -> None:
        """Look whether row-level security binds the front role."""
        with self._pool.connection() as connection:
            row = _SQL["role"].run(connection).fetchone()
        if row is None or not row[0]:
            raise UnsafeRole(
                "the role of FOLIOT_DSN_FRONT is a superuser, the tables' owner, or passes row-level security",
                where="FOLIOT_DSN_FRONT",
            )

    def has_keys(self) -> bool:
        """Tell whether there is an API key that opens anything."""
        with self._pool.connection() as connection:
            row = _SQL["has_keys"].run(connection).fetchone()
        return bool(row and row[0])

    def known_caller(self, token: str) -> Caller | None:
        """Tell who holds a key, if that was looked up a moment ago.

        Raises:
            KeyRefused: it is no key.
        """
        parts_of(token)
        known = self._callers.get(token)
        return known.caller if known is not None and known.until > time.monotonic() else None

    def caller(self, token: str) -> Caller:
        """Tell who holds a key; a recent answer is remembered.

        Raises:
            KeyRefused: it opens nothing.
        """
        known = self.known_caller(token)
        if known is not None:
            return known
        now = time.monotonic()
        with self._pool.connection() as connection:
            caller = authenticate(connection, self.settings.key_pepper, token)
        with self._lock:
            if len(self._callers) >= CALLERS_MAX:
                self._callers.clear()
            self._callers[token] = _Known(caller, now + CALLER_S_MAX)
        return caller

    def anonymous(self) -> Caller | None:
        """Give who callers without a key are; None where they are nobody.

        Raises:
            KeyRefused: the settings name a tenant that is not there.
        """
        slug = self.settings.api_anonymous_tenant
        if slug and self.known_anonymous is None:
            with self._pool.connection() as connection:
                row = _SQL["tenant"].run(connection, {"slug": slug}).fetchone()
            if row is None or row[0] is None:
                what = f"there is no tenant {slug!r}"
                raise KeyRefused(what, where="FOLIOT_API_ANONYMOUS_TENANT", remedy="Make it: foliot tenant create")
            self.known_anonymous = Caller("", row[0], slug, frozenset(SCOPES))
        return self.known_anonymous

    def catalog(self, caller: Caller, *, fresh: bool = False) -> Catalog:
        """Give the caller's part of the registry, no older than a second, or as of now.

        Raises:
            StoreError: the database did not answer.
        """
        now = time.monotonic()
        read = self._catalogs.get(caller.tenant)
        if read is not None and not fresh and now - read.at < CATALOG_S_MAX:
            return read.catalog
        with self.reading(caller) as connection:
            catalog = load_own_catalog(connection)
        with self._lock:
            known = self._catalogs.get(caller.tenant)
            # What was read here may be older than what another thread has read meanwhile.
            if known is None or known.catalog.revision <= catalog.revision or now - known.at >= CATALOG_S_MAX:
                self._catalogs[caller.tenant] = _Read(catalog, now)
        return catalog

    def catalog_at_hand(self, caller: Caller) -> Catalog | None:
        """Give the caller's part of the registry if that is known, and that more events may come in.

        No look at the database is waited for; where one will soon be needed, a thread takes it meanwhile.
        """
        read = self._catalogs.get(caller.tenant)
        if read is None or self._depth > self.settings.inbox_depth_max:
            return None
        now = time.monotonic()
        if now - min(read.at, self._depth_at) > _RENEW_S and self._renewing.acquire(blocking=False):
            self.readers.submit(self._renew, caller)
        return read.catalog if now - read.at < CATALOG_S_MAX and now - self._depth_at <= DEPTH_S else None

    def is_full(self) -> bool:
        """Tell whether so much waits that nothing more should come in; looked at once a second."""
        if time.monotonic() - self._depth_at > DEPTH_S:
            self._look_at_depth()
        return self._depth > self.settings.inbox_depth_max

    def _look_at_depth(self) -> None:
        self._depth_at = time.monotonic()
        with self._pool.connection() as connection:
            row = _SQL["depth"].run(connection).fetchone()
        self._depth = int(row[0]) if row else 0

    def _renew(self, caller: Caller) -> None:
        try:
            self.catalog(caller, fresh=True)
            self._look_at_depth()
        except FoliotError as error:
            # Whoever needs it looks for himself, and hears of it.
            log.debug("not_renewed", error=str(error))
        finally:
            self._renewing.release()
