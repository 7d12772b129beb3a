"""Postgres: whether it keeps what it acknowledges, whether the roles are held, and whether somebody works."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from foliot.cli.addresses import address
from foliot.cli.doctor.findings import Finding, failure, passed, warning
from foliot.cli.wording import counted
from foliot.runtime import RING_PERIODS_MAX, segment_seconds
from foliot.settings import Settings
from foliot.store import Connection, StoreError, connect, end_reading, load
from foliot.store.schema import newest_revision

_SQL: Final = load("doctor")
_SWEEP: Final = load("sweep")
_INTAKE: Final = load("intake")
_REGISTRY: Final = load("registry")
_FRONT: Final = load("front")

_PART: Final = "postgres"
_TIMEOUT_MS: Final = 15_000
_VERSION_MIN, _VERSION_TRIED = 150_000, 190_000
_SKEW_S_MAX: Final = 2.0
_TRANSACTION_S_MAX: Final = 30.0
_IDLE_S_MAX: Final = 10.0
"""How long a shard with work may stand still, whatever died."""
_SMALL_PAGES_MAX: Final = 1 << 30
"""Bytes of shared memory up to which it does not matter in which pages they are."""
_SESSIONS_A_CHILD: Final = 3
_SESSIONS_BESIDE: Final = 6
"""Ingest's and relay's, and a person's."""


def check_postgres(settings: Settings) -> Iterator[Finding]:
    """Look at the server, the roles, the tables, and what they say of workers, ingest and relay.

    Raises:
        NoAddress: nobody has said where it is.
        StoreUnavailable: it does not answer.
    """
    dsn = address(settings, "dsn_service")
    with connect(dsn, application="foliot", timeout_ms=_TIMEOUT_MS) as connection:
        yield passed(_PART, "reachable", "FOLIOT_DSN_SERVICE leads to a server that answers")
        server, skew_s = _server(connection)
        yield from _durability(server)
        yield from _memory(server)
        yield from _sessions(server, settings, skew_s)
        if not (yield from _tables(settings)):
            return
        try:
            yield from _service_role(connection)
            yield from _rings(connection, settings)
            yield from _liveness(connection)
        except StoreError as error:
            if error.retryable:
                raise
            yield failure(_PART, "tables", error.refusal.what, "Run: foliot db upgrade")
            return
    yield from _front_role(settings)


def _server(connection: Connection) -> tuple[dict[str, Any], float]:
    """Read what the server says of itself, and how far its clock is from ours."""
    sent = time.time()
    cursor = _SQL["server"].run(connection)
    row = cursor.fetchone() or ()
    between = datetime.fromtimestamp((sent + time.time()) / 2, UTC)
    server = dict(zip([column.name for column in cursor.description or ()], row, strict=True))
    end_reading(connection)
    return server, (server["now"] - between).total_seconds()


def _durability(server: dict[str, Any]) -> Iterator[Finding]:
    version = server["version"]
    if version < _VERSION_MIN:
        yield failure(_PART, "version", server["version_text"], "Use PostgreSQL 15 to 18.")
    elif version >= _VERSION_TRIED:
        yield warning(_PART, "version", f"{server['version_text']} is newer than was tried", "Use 15 to 18.")
    else:
        yield passed(_PART, "version", server["version_text"])
    if server["standby"]:
        yield failure(_PART, "primary", "the address leads to a standby", "Name the primary.")
    for name, why in (
        ("fsync", "a power cut may lose or corrupt what was acknowledged"),
        ("full_page_writes", "a page that was half written cannot be restored"),
        ("autovacuum", "tables and indexes grow without end"),
    ):
        if server[name] == "on":
            yield passed(_PART, name, "on")
        else:
            yield failure(_PART, name, f"off: {why}", f"ALTER SYSTEM SET {name} = on, then reload.")
    if server["synchronous_commit"] == "off":
        says = "off in Foliot's own session: what was acknowledged may be lost in a crash"
        yield failure(_PART, "synchronous_commit", says, "Let a pooler pass `options` on, and force nothing by role.")
    else:
        yield passed(_PART, "synchronous_commit", server["synchronous_commit"])
    if server["standbys"] and not server["synchronous_standbys"]:
        says = "standbys, none of them synchronous: a fail-over can lose what was accepted over HTTP"
        yield warning(_PART, "standbys", says, "Set synchronous_standby_names, or send over Kafka.")
    if server["data_checksums"] != "on":
        yield warning(_PART, "data_checksums", "off: a disk's silent errors stay unseen", "pg_checksums --enable")
    if server["encoding"] != "UTF8":
        yield failure(_PART, "encoding", server["encoding"], "Make the database with ENCODING 'UTF8'.")


def _memory(server: dict[str, Any]) -> Iterator[Finding]:
    if server["huge_pages"] == "off" and server["shared_buffers"] > _SMALL_PAGES_MAX:
        says = f"off with {server['shared_buffers'] >> 30} GB of shared_buffers: many instances cost more time"
        yield warning(_PART, "huge_pages", says, "Reserve them (vm.nr_hugepages), then restart PostgreSQL.")
    else:
        yield passed(_PART, "huge_pages", f"{server['huge_pages']}, shared_buffers {server['shared_buffers'] >> 20} MB")


def _sessions(server: dict[str, Any], settings: Settings, skew_s: float) -> Iterator[Finding]:
    if server["lock_timeout"] in {"0", "0ms"}:
        says = "what a session asks for does not arrive: time-outs do not end frozen holders"
        yield failure(_PART, "session", says, "Connect directly, or by a pooler in session mode that passes `options`.")
    else:
        yield passed(_PART, "session", "time-outs and plans are as Foliot sets them")
    children = settings.worker_children + settings.urgent_children
    wanted = children * _SESSIONS_A_CHILD + settings.api_connections + 1 + _SESSIONS_BESIDE
    free = server["connections_max"] - server["reserved"]
    says = f"one worker process, ingest, relay and one API want up to {wanted} of {free}; {server['sessions']} are open"
    if wanted > free:
        yield warning(_PART, "connections", says, "Raise max_connections, or lower children or FOLIOT_API_CONNECTIONS.")
    else:
        yield passed(_PART, "connections", says)
    says = f"the server's clock is {skew_s:+.2f} s from this machine's"
    if abs(skew_s) > _SKEW_S_MAX:
        yield warning(_PART, "clock", says, "Let both follow NTP. Foliot itself goes by the server's alone.")
    else:
        yield passed(_PART, "clock", says)


def _tables(settings: Settings) -> Generator[Finding, None, bool]:
    """Look at the tables as their owner; tell whether the rest may count on them."""
    if not settings.dsn_owner:
        says = "not looked at: FOLIOT_DSN_OWNER is not set"
        yield warning(_PART, "tables", says, "Set it for this call, or run: foliot db status")
        return True
    with connect(settings.dsn_owner, application="foliot", timeout_ms=_TIMEOUT_MS) as connection:
        there = (_REGISTRY["has_tables"].run(connection).fetchone() or (False,))[0]
        revision = _REGISTRY["read_tables_revision"].run(connection).fetchone() if there else None
        guarded = _SQL["open_tables"].run(connection).fetchall() if revision else []
    newest = newest_revision()
    if revision is None or revision[0] != newest:
        found = "there are none" if revision is None else f"they are at {revision[0]}"
        yield failure(_PART, "tables", f"{found}, not at {newest}", "Run: foliot db upgrade")
        return False
    yield passed(_PART, "tables", f"at {newest}")
    if guarded:
        names = ", ".join(row[0] for row in guarded)
        yield failure(_PART, "row security", f"not forced on {names}", "ALTER TABLE … FORCE ROW LEVEL SECURITY")
    else:
        yield passed(_PART, "row security", "forced on all tables that the front role reads")
    return True


def _service_role(connection: Connection) -> Iterator[Finding]:
    name, superuser, bypass, owner = _SQL["role"].run(connection).fetchone() or ("", False, False, False)
    end_reading(connection)
    if superuser or bypass or owner:
        much = "a superuser" if superuser else "past row-level security" if bypass else "the tables' owner"
        says = f"{name} is {much}: it could change the journal"
        yield warning(_PART, "service role", says, "Use foliot_service, or a role that is a member of it alone.")
    else:
        yield passed(_PART, "service role", f"{name} has what it needs and no more")


def _front_role(settings: Settings) -> Iterator[Finding]:
    if not settings.dsn_front:
        yield warning(_PART, "front role", "not looked at: FOLIOT_DSN_FRONT is not set", "Set it, if the API is used.")
        return
    with connect(settings.dsn_front, application="foliot", timeout_ms=_TIMEOUT_MS) as connection:
        row = _FRONT["role"].run(connection).fetchone()
    if row and row[0]:
        yield passed(_PART, "front role", "bound by row-level security")
    else:
        says = "the role of FOLIOT_DSN_FRONT passes row-level security: tenants could see each other"
        yield failure(_PART, "front role", says, "Use foliot_front, or a role that is a member of it alone.")


def _rings(connection: Connection, settings: Settings) -> Iterator[Finding]:
    rows = _SWEEP["read_rings"].run(connection).fetchall()
    end_reading(connection)
    periods = {name: segment_seconds(settings, name) for name, *_ in rows}
    late = [f"{name} ({age / 60:.0f} min)" for name, _, _, _, age in rows if age > RING_PERIODS_MAX * periods[name]]
    waiting = [name for name, _, _, ready, age in rows if not ready and age > periods[name]]
    if late or waiting:
        says = f"not turned in time: {', '.join(late or waiting)}"
        yield warning(_PART, "rings", says, "Start a worker: foliot worker. It sweeps too.")
    else:
        yield passed(_PART, "rings", f"{len(rows)} turn in time, and the segment after each is empty")


def _liveness(connection: Connection) -> Iterator[Finding]:
    stepping, taking, relaying = _SQL["sessions"].run(connection).fetchone() or (0, 0, 0)
    depth = _INTAKE["read_depth"].run(connection).fetchall()
    lag = _SQL["relay_lag"].run(connection).fetchone() or (0, 0, 0.0)
    stopped = _SQL["stopped"].run(connection).fetchall()
    alarms = _SQL["alarms"].run(connection).fetchall()
    transaction = _SQL["oldest_transaction"].run(connection).fetchone()
    end_reading(connection)
    yield _workers(stepping, depth)
    yield from _ingest(taking, stopped)
    yield _relay(relaying, *lag)
    if alarms:
        says = ", ".join(f"{code} ({count})" for code, count in alarms)
        yield warning(_PART, "alarms", f"within a day: {says}", "See the table `alarms`, and: foliot explain CODE")
    if transaction is not None and transaction[1] > _TRANSACTION_S_MAX:
        says = f"one of {transaction[0] or 'somebody'} is open for {transaction[1]:.0f} s: hot rows grow meanwhile"
        yield warning(_PART, "transactions", says, "End it; long reads belong on a standby.")


def _workers(sessions: int, depth: Sequence[Sequence[Any]]) -> Finding:
    """Judge by the lanes: of each how many events wait, and for how many seconds its slowest shard has stood still."""
    waiting, idle_s = sum(row[1] for row in depth), max((row[2] for row in depth), default=0.0)
    says = f"{counted(sessions, 'session')} of workers, {counted(waiting, 'event')} waiting"
    if idle_s > _IDLE_S_MAX:
        says = f"{says}, and a shard with work stands still for {idle_s:.0f} s"
        return failure("workers", "alive", says, "Start workers: foliot worker; else look at their logs.")
    if not sessions:
        return warning("workers", "alive", says, "Start workers: foliot worker")
    return passed("workers", "alive", says)


def _ingest(sessions: int, stopped: Iterable[Sequence[Any]]) -> Iterator[Finding]:
    if sessions:
        yield passed("ingest", "alive", counted(sessions, "session"))
    else:
        yield warning("ingest", "alive", "nobody takes events from Kafka", "Start it: foliot ingest")
    for topic, partition, why in stopped:
        remedy = "Find out what is missing; then set the row in `offsets`. Nothing is skipped by itself."
        yield failure("ingest", f"{topic}[{partition}]", f"stopped: {why}", remedy)


def _relay(sessions: int, unsent: int, unannounced: int, stood_s: float) -> Finding:
    lag = f"{counted(unsent, 'message')} and {counted(unannounced, 'change')} not yet sent"
    says = f"{counted(sessions, 'session')}, {lag}"
    if (unsent or unannounced) and stood_s > _IDLE_S_MAX:
        return failure("relay", "alive", f"{says}, for {stood_s:.0f} s", "Start it: foliot relay; else see its log.")
    if not sessions:
        return warning("relay", "alive", says, "Start it: foliot relay")
    return passed("relay", "alive", says)
