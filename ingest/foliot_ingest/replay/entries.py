"""What a log says, whatever its format: rows with a case, an activity, a time and data, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from foliot.errors import FoliotError


class LogRefused(FoliotError):
    """A log cannot be read at all; nothing of it is sent."""

    code: ClassVar[str] = "log_refused"
    remedy: ClassVar[str] = "Give a whole log in CSV or XES, smaller or parted if it is too large."


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a log has what an event needs. An empty name is looked for; `data` None takes all other columns."""

    case: str = ""
    activity: str = ""
    timestamp: str = ""
    timestamp_format: str = ""
    data: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a log. `number` counts all entries of the file from 1, `line` is where it begins."""

    number: int
    line: int
    case: str
    activity: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an entry is none; `where` is file:line:column, the column by its name."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


Tell: TypeAlias = Callable[[int, int], None]
"""Told from time to time how many bytes of how many are read."""
Entries: TypeAlias = Iterator[Entry | Fault]


class ColumnFault(Exception):
    """A value of an entry cannot be used; a reader makes a `Fault` of it."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        self.reason = reason
        super().__init__(reason)

    def at(self, file: Path, line: int) -> Fault:
        """Say where it is."""
        return Fault(f"{file}:{line}:{self.column}", self.reason)


def read_moment(text: str, columns: Columns) -> datetime:
    """Read a time: ISO 8601, also with slashes in the date, or by the format that was given. Without a zone it is UTC.

    Raises:
        ColumnFault: it is no time.
    """
    try:
        if columns.timestamp_format:
            # A format without %z gives a moment without a zone, as a text without one does.
            moment = datetime.strptime(text, columns.timestamp_format)  # noqa: DTZ007 - the zone is added below
        else:
            moment = datetime.fromisoformat(f"{text[:10].replace('/', '-')}{text[10:]}")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        expected = columns.timestamp_format or "ISO 8601; else say --timestamp-format"
        raise ColumnFault(columns.timestamp, f"{text[:64]!r} is no time as {expected}") from None
