"""Connections to Postgres and what their errors mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, TypeAlias

import psycopg

from foliot.errors import FoliotError

Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]

HOT_TIMEOUT_MS: Final = 5_000
"""Bound of one statement, one lock wait and one idle moment inside a hot transaction."""
CONNECT_TIMEOUT_S: Final = 5
_REGISTRY_MOVED: Final = "FO001"
_IDS_REUSED: Final = "FO002"
"""What the database's own functions refuse with."""
_ONE_PLAN: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Each statement is written for one plan, probes of the index that its header names. It is planned once for many runs:
see `Connection.plan_anew_after`."""
# Whoever has called a command reads them, and whoever reads the log of a program that goes on by itself.
PLANNED_ROWS: Final = 10_000
_PLANNED_ROWS_MAX: Final = 1_000_000
"""Plans are kept for so many rows at first, and then for twice as many each time, up to the last."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A session of Foliot, with one plan for all runs of a statement, which it makes anew from time to time.

    Postgres plans by the size that a table has, and keeps the plan until somebody takes statistics: where a table was
    all but empty then, any index of it will do, and what reads a shard's rows one by one for each event is as good as a
    probe. A new installation into which a hundred thousand instances were born got a tenth of its speed for a minute.
    """

    _rows = 0
    _rows_max = PLANNED_ROWS

    def plan_anew_after(self, rows: int) -> None:
        """Count the `rows` of the statement that comes next; after many of them drop all plans.

        So an idle session keeps its plans, and one that makes tables grow does not outlive their being small.
        """
        self._rows += rows
        if self._rows >= self._rows_max:
            self._rows, self._rows_max = 0, min(2 * self._rows_max, _PLANNED_ROWS_MAX)
            self.execute("DISCARD PLANS")

    @contextmanager
    def committing_each(self) -> Iterator[None]:
        """Let each statement of the block be a transaction of its own; none may be open."""
        self.autocommit = True
        try:
            yield
        finally:
            # One that broke stays as it is: the driver would not hear of it.
            if not self.closed:
                self.autocommit = False


class StoreError(FoliotError):
    """Postgres refused or did not answer."""

    code: ClassVar[str] = "store_error"
    remedy: ClassVar[str] = (
        "Run foliot doctor: it tells whether tables, roles and settings of Postgres are as they must be."
    )


class StoreUnavailable(StoreError):
    """The connection broke or could not be made; a new connection and the same call again may do."""

    code: ClassVar[str] = "store_unavailable"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Look whether Postgres runs there and lets this role in; programs try again by themselves."


class UnknownCommit(StoreUnavailable):
    """The connection broke while a commit was on its way: read again before anything is repeated."""

    code: ClassVar[str] = "unknown_commit"
    remedy: ClassVar[str] = "Read whether it was done before you do it again; programs do so by themselves."


class TransactionLost(StoreError):
    """A time-out, a deadlock or a conflict ended the transaction; the same call again may do."""

    code: ClassVar[str] = "transaction_lost"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Make the same call again; programs do so by themselves."


class DataRefused(StoreError):
    """Postgres cannot store a value: the same data will be refused again."""

    code: ClassVar[str] = "data_refused"
    remedy: ClassVar[str] = "Leave out what PostgreSQL cannot store."


class Conflict(StoreError):
    """A unique key or a compare-and-set found that somebody else had written."""

    code: ClassVar[str] = "conflict"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Read again what is there now, then try again."


class RegistryMoved(StoreError):
    """The registry is not as it was read: read it again, and decide again what each event is."""

    code: ClassVar[str] = "registry_moved"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Read the registry again, then do the same."


class IdsReused(StoreError):
    """Events have ids that were accepted with other payloads: by place in the batch (from 1), what they came with."""

    code: ClassVar[str] = "id_reused"
    remedy: ClassVar[str] = "Give every event an id of its own."

    def __init__(self, accepted: Mapping[int, bytes], where: str = "") -> None:
        super().__init__("the id was accepted before with another payload", where=where)
        self.accepted = accepted


@contextmanager
def translated(what: str, *, committing: bool = False) -> Iterator[None]:
    """Turn the driver's errors into Foliot's; `what` names the statement in the error."""
    try:
        yield
    except psycopg.Error as error:
        raise _by_function(error, what) or _translation(error, what, committing=committing) from error


def _by_function(error: psycopg.Error, what: str) -> StoreError | None:
    """Tell what a function of the database refused with, if one did."""
    if error.sqlstate == _REGISTRY_MOVED:
        return RegistryMoved(str(error), where=what)
    if error.sqlstate == _IDS_REUSED:
        places = json.loads(error.diag.message_detail or "[]")
        return IdsReused({place: bytes.fromhex(payload) for place, payload in places}, where=what)
    return None


def _translation(error: psycopg.Error, what: str, *, committing: bool) -> StoreError:
    message = str(error).strip().partition("\n")[0] or type(error).__name__
    if isinstance(error, psycopg.errors.UniqueViolation):
        return Conflict(message, where=what)
    # A row too large for its index is no trouble of the server's, although its error says so.
    unfit = psycopg.DataError | psycopg.IntegrityError | psycopg.NotSupportedError | psycopg.errors.ProgramLimitExceeded
    if isinstance(error, unfit):
        return DataRefused(message, where=what)
    lost = (
        psycopg.errors.QueryCanceled,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
    )
    # A server that has become a standby answers so: the next connection may reach the one that writes.
    if isinstance(error, psycopg.errors.IdleInTransactionSessionTimeout | psycopg.errors.ReadOnlySqlTransaction):
        return StoreUnavailable(message, where=what)
    if isinstance(error, lost):
        return TransactionLost(message, where=what)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        kind = UnknownCommit if committing else StoreUnavailable
        return kind(message, where=what)
    return StoreError(message, where=what, remedy=_remedy(error, what))


def _remedy(error: psycopg.Error, what: str) -> str:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
        return "Is it Foliot's database? Then run: foliot db upgrade"
    # The driver cannot read the address.
    if what == "connect" and isinstance(error, psycopg.ProgrammingError):
        return "Write the address as postgresql://role:password@host:port/database."
    return ""


def connect(dsn: str, *, application: str, synchronous: bool = True, timeout_ms: int = HOT_TIMEOUT_MS) -> Connection:
    """Open a connection with every time-out set; transactions are explicit and READ COMMITTED.

    `application` is what others see in pg_stat_activity. `synchronous=False` is for the attempts
    only: what it commits may be lost in a crash of the server.

    Raises:
        StoreUnavailable: no connection within five seconds.
    """
    with translated("connect"):
        return Connection.connect(dsn, **session(application, synchronous=synchronous, timeout_ms=timeout_ms))


def session(application: str, *, synchronous: bool = True, timeout_ms: int = HOT_TIMEOUT_MS) -> dict[str, Any]:
    """Give what every session of Foliot is opened with."""
    settings = {
        "lock_timeout": timeout_ms,
        "statement_timeout": timeout_ms,
        "idle_in_transaction_session_timeout": timeout_ms,
        "default_transaction_isolation": r"read\ committed",
        "synchronous_commit": "on" if synchronous else "off",
        "timezone": "UTC",
        **_ONE_PLAN,
    }
    return {
        "application_name": application,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
    }


@contextmanager
def pipelined(connection: Connection, what: str) -> Iterator[None]:
    """Send the statements of the block without waiting for each one's answer.

    Errors come at the end of the block, translated, and row counts are known only after it.
    """
    with translated(what), connection.pipeline():
        yield


def end_reading(connection: Connection) -> None:
    """End a transaction that has neither written nor locked anything.

    By a commit: after a rollback the driver forgets what it has prepared, and every statement would be parsed and
    planned anew.
    """
    with translated("end_reading"):
        connection.commit()


def let_go(connection: Connection) -> None:
    """End a transaction that has locked rows and written nothing; unlike other commits it waits for no disk."""
    with translated("let_go"), connection.pipeline():
        connection.execute("SET LOCAL synchronous_commit TO off", prepare=True)
        connection.execute("COMMIT", prepare=True)


def roll_back(connection: Connection) -> None:
    """End the open transaction without its writes. Never raises: a broken connection has nothing left to roll back."""
    with suppress(psycopg.Error):
        connection.rollback()


def discard(connection: Connection) -> None:
    """Close a connection that may be broken. Never raises."""
    with suppress(psycopg.Error):
        connection.close()
