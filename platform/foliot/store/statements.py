"""Named SQL: statements live in `sql/*.sql`, each with a header that says what it takes, gives, locks and rides.

Every run of a statement is a named crash point: tests kill a real process after each one.
"""

from __future__ import annotations

import os
import re
import signal
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from foliot.store.arrays import PACKERS, Pack
from foliot.store.connection import Connection, Cursor, DataRefused, translated

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_HEADER: Final = re.compile(r"^-- (in|out|locks|index): (.*)$", re.MULTILINE)
HEADER_FIELDS: Final = ("in", "out", "locks", "index")
_ARRAY: Final = re.compile(rf"%\((\w+)\)s::({'|'.join(PACKERS)})\[\]")
"""A parameter that is declared as an array: the cast says how it is packed."""


@dataclass(slots=True)
class CrashPoint:
    """Where this process kills itself; set once at the entry point, by tests only."""

    name: str = ""
    left: int = 0

    def arm(self, place: str) -> None:
        """Take `name` or `name:count`; the process dies when the point is passed for the count-th time."""
        self.name, _, count = place.partition(":")
        self.left = int(count or 1)

    def passed(self, name: str) -> None:
        """Die here if this is the place."""
        if name == self.name:
            self.left -= 1
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


crash_point: Final = CrashPoint()


@dataclass(frozen=True, slots=True)
class Statement:
    """One named statement; `name` is `<file>.<name>`, such as `step.lock_cursors`."""

    name: str
    text: str
    header: Mapping[str, str] = field(compare=False)
    arrays: Mapping[str, Pack] = field(compare=False, default_factory=dict)

    def run(self, connection: Connection, parameters: Mapping[str, Any] | None = None) -> Cursor:
        """Execute once, as a prepared statement with binary results.

        Raises:
            StoreError: what the driver said, translated; inside of `pipelined` it comes at the end of the block.
        """
        with translated(self.name):
            cursor = self.execute(connection, parameters)
        crash_point.passed(self.name)
        return cursor

    def execute(self, connection: Connection, parameters: Mapping[str, Any] | None) -> Cursor:
        """Do as `run` does, but for the driver's errors, which the caller translates, and the crash point."""
        rows = 0
        if parameters is not None and self.arrays:
            rows = len(parameters[next(iter(self.arrays))])
            parameters = {**parameters, **self._packed(parameters)}
        connection.plan_anew_after(rows)
        cursor = connection.cursor(binary=True)
        cursor.execute(self.text, parameters, prepare=True)
        return cursor

    def rehearse(self, connection: Connection, scalars: Mapping[str, Any]) -> None:
        """Execute over empty arrays, which prepares and plans it for this session. No crash point: nothing happens."""
        with translated(self.name):
            self.execute(connection, {**scalars, **dict.fromkeys(self.arrays, ())})

    def _packed(self, parameters: Mapping[str, Any]) -> dict[str, bytes]:
        try:
            return {name: pack(parameters[name]) for name, pack in self.arrays.items()}
        except (struct.error, OverflowError, UnicodeEncodeError) as error:
            raise DataRefused(f"a value does not fit its column: {error}", where=self.name) from error


def load(path: str) -> dict[str, Statement]:
    """Read the statements of `sql/<path>.sql` by name."""
    source = resources.files("foliot.store").joinpath("sql", f"{path}.sql").read_text("utf-8")
    parts = _NAME.split(source)[1:]
    return {
        name: Statement(
            f"{path}.{name}",
            body.strip(),
            dict(_HEADER.findall(body)),
            {parameter: PACKERS[kind] for parameter, kind in _ARRAY.findall(body)},
        )
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


@contextmanager
def committing(connection: Connection, name: str) -> Iterator[None]:
    """Send the statements of the block and the commit in one round trip; crash points as those of `commit`.

    What must hold for the commit, the statements themselves have to demand: their answers come after it. A block that
    waits for one costs a round trip more.

    Raises:
        StoreError: a statement was refused; nothing was written.
        UnknownCommit: the connection broke; nobody knows whether after the commit.
    """
    with translated(f"{name}.commit", committing=True), connection.pipeline():
        yield
        crash_point.passed(f"{name}.before_commit")
        # Not by the connection's method, which waits for the answer before the block ends and waits once more.
        connection.execute("COMMIT", prepare=True)
    crash_point.passed(f"{name}.commit")


def commit_alone(
    connection: Connection, name: str, statement: Statement, parameters: Mapping[str, Any] | None = None
) -> Cursor:
    """Run a statement as a whole transaction, in one message; crash points as those of `commit`.

    No transaction may be open. As the server hears of the commit together with the statement, no lock waits for it.

    Raises:
        StoreError: the statement was refused; nothing was written.
        UnknownCommit: the connection broke; nobody knows whether after the commit.
    """
    crash_point.passed(f"{name}.before_commit")
    with translated(f"{name}.commit", committing=True), connection.committing_each():
        cursor = statement.execute(connection, parameters)
    crash_point.passed(f"{name}.commit")
    return cursor


def commit(connection: Connection, name: str) -> None:
    """Commit, with crash points before (`<name>.before_commit`) and after it (`<name>.commit`).

    Raises:
        UnknownCommit: the connection broke while the commit was on its way; nobody knows its outcome.
    """
    crash_point.passed(f"{name}.before_commit")
    with translated(f"{name}.commit", committing=True):
        connection.commit()
    crash_point.passed(f"{name}.commit")
