"""The figures of one look, and what follows from one look to the next: rates, and latencies over some seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from foliot.cloudevents import LANES
from foliot.store import Connection, end_reading, load

_SQL: Final = load("top")
_SAMPLES_S: Final = 10.0
"""Latencies are told over so many seconds."""
_FIRST_S: Final = 3.0
_SHARDS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """A lane: events that wait, come in and are stepped, and milliseconds from accepted to stepped."""

    lane: str
    waiting: int
    accepted_per_s: float | None
    stepped_per_s: float | None
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard with work: how much waits, who wrote it last, and when."""

    shard: int
    waiting: int
    writer: str
    idle_s: float


@dataclass(frozen=True, slots=True)
class Writer:
    """A worker's child: how many shards it was the last to write, and when the last of them."""

    writer: str
    shards: int
    idle_s: float


@dataclass(frozen=True, slots=True)
class Session:
    """Sessions of one application: how many, how many of them at work, and their longest open transaction."""

    application: str
    sessions: int
    active: int
    transaction_s: float | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """An instance that does not run; `waiting` counts to 100 at most."""

    machine: str
    key: str
    mode: str
    note: str | None
    waiting: int
    idle_s: float


@dataclass(frozen=True, slots=True)
class Crowded:
    """An instance for which many of the events that are next in the longest queues wait, and since when the oldest."""

    machine: str
    key: str
    waiting: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Letter:
    """An open dead letter."""

    id: int
    code: str
    machine: str | None
    key: str | None
    stage: str
    age_s: float


@dataclass(frozen=True, slots=True)
class Overview:
    """One look. Rates are None at the first; `letters_open` counts among the last 1,000 that were set aside."""

    at: datetime
    shard_count: int
    accepted_per_s: float | None
    stepped_per_s: float | None
    waiting: int
    unsent: int
    unannounced: int
    lanes: tuple[LaneFigures, ...]
    shards: tuple[Shard, ...]
    writers: tuple[Writer, ...]
    sessions: tuple[Session, ...]
    crowded: tuple[Crowded, ...]
    stuck: tuple[Stuck, ...]
    letters_open: int
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Events by lane, since the installation was made."""

    at: datetime
    accepted: tuple[int, ...]
    stepped: tuple[int, ...]


class Looker:
    """Looks again and again, and remembers what rates need."""

    def __init__(self) -> None:
        self._before: _Counts | None = None
        self._samples: deque[tuple[datetime, int, float]] = deque()

    def look(self, connection: Connection) -> Overview:
        """Read all figures in one short transaction.

        Raises:
            StoreError: Postgres does not answer.
        """
        rows = _SQL["shards"].run(connection).fetchall()
        now: datetime = rows[0][7]
        since = now - timedelta(seconds=_FIRST_S) if self._before is None else self._before.at
        samples = _SQL["samples"].run(connection, {"since": since}).fetchall()
        crowded = tuple(Crowded(*row) for row in _SQL["crowded"].run(connection))
        stuck = tuple(Stuck(*row) for row in _SQL["stuck"].run(connection))
        letters = _SQL["letters"].run(connection).fetchall()
        sessions = _sessions(_SQL["sessions"].run(connection).fetchall())
        end_reading(connection)
        self._samples.extend((now, lane, ms) for lane, ms in samples)
        while self._samples and self._samples[0][0] < now - timedelta(seconds=_SAMPLES_S):
            self._samples.popleft()
        counts = _Counts(now, _by_lane([row[1] for row in rows]), _by_lane([row[2] for row in rows]))
        before, self._before = self._before, counts
        lanes = self._lanes(before, counts)
        return Overview(
            at=now,
            shard_count=len(rows),
            accepted_per_s=_sum(lane.accepted_per_s for lane in lanes),
            stepped_per_s=_sum(lane.stepped_per_s for lane in lanes),
            waiting=sum(lane.waiting for lane in lanes),
            unsent=sum(row[5] for row in rows),
            unannounced=sum(row[6] for row in rows),
            lanes=lanes,
            shards=_busy(rows),
            writers=_writers(rows),
            sessions=sessions,
            crowded=crowded,
            stuck=stuck,
            letters_open=letters[0][0] if letters else 0,
            letters=tuple(Letter(*row[1:]) for row in letters),
        )

    def _lanes(self, before: _Counts | None, now: _Counts) -> tuple[LaneFigures, ...]:
        found = []
        for number, name in enumerate(LANES):
            times = sorted(ms for _, lane, ms in self._samples if lane == number)
            accepted = stepped = None
            if before is not None:
                accepted = _rate(before.at, before.accepted[number], now.at, now.accepted[number])
                stepped = _rate(before.at, before.stepped[number], now.at, now.stepped[number])
            waiting = now.accepted[number] - now.stepped[number]
            found.append(LaneFigures(name, waiting, accepted, stepped, _quantile(times, 0.5), _quantile(times, 0.99)))
        return tuple(found)


def _by_lane(numbers: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Add up what queues count, two of which are a lane's."""
    return tuple(sum(each[2 * lane] + each[2 * lane + 1] for each in numbers) for lane in range(len(LANES)))


def _rate(then: datetime, before: int, now: datetime, present: int) -> float:
    seconds = (now - then).total_seconds()
    return (present - before) / seconds if seconds > 0 else 0.0


def _quantile(times: Sequence[float], share: float) -> float | None:
    return times[min(len(times) - 1, int(share * len(times)))] if times else None


def _sum(values: Any) -> float | None:
    given = [value for value in values if value is not None]
    return sum(given) if given else None


def _busy(rows: Sequence[Sequence[Any]]) -> tuple[Shard, ...]:
    found = [Shard(row[0], sum(row[1]) - sum(row[2]), row[3], row[4]) for row in rows if row[1] != row[2]]
    return tuple(sorted(found, key=lambda shard: (-shard.waiting, shard.shard))[:_SHARDS_MAX])


def _writers(rows: Sequence[Sequence[Any]]) -> tuple[Writer, ...]:
    idle: dict[str, list[float]] = {}
    for row in rows:
        if row[3]:
            idle.setdefault(row[3], []).append(row[4])
    found = [Writer(name, len(seconds), min(seconds)) for name, seconds in idle.items()]
    return tuple(sorted(found, key=lambda writer: writer.idle_s)[:_SHARDS_MAX])


def _sessions(rows: Sequence[Sequence[Any]]) -> tuple[Session, ...]:
    """Gather sessions by the first word of their names: the rest of it is the process's."""
    found = []
    for application, group in groupby(rows, key=lambda row: str(row[0]).partition(" ")[0]):
        each = list(group)
        open_s = [row[2] for row in each if row[2] is not None]
        found.append(
            Session(application, len(each), sum(row[1] == "active" for row in each), max(open_s) if open_s else None)
        )
    return tuple(found)
