"""Steps as they are committed: journals read forwards from a place on, at the reader's pace."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

import orjson

from foliot.errors import FoliotError
from foliot.history.filtering import FilterTooCostly, StepFilter
from foliot.history.landing import Landings
from foliot.history.progress import Progress
from foliot.history.reading import JournalEntry, journal_entry
from foliot.store import Connection, end_reading, load, pipelined

_SQL: Final = load("following")
ROWS: Final = 1000
"""Rows that one reading looks at, at most; or one a shard, where there are more shards than this."""
BYTES: Final = 262_144
"""Bytes of texts beyond which one reading takes no further row."""
FILTER_S_MAX: Final = 0.05
"""Time beyond which one reading asks the filter about no further row."""
_ENTRY_COLUMNS: Final = 20
_STATE_COLUMN: Final = 17


class Gone(FoliotError):
    """The journal no longer has what comes after a place, or is numbered anew since."""

    code: ClassVar[str] = "place_gone"
    remedy: ClassVar[str] = "Read the present state, then watch from now: without Last-Event-ID."


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose steps are followed: a tenant's, those of one machine, or of one key, by whichever life; both by number."""

    tenant: int
    machine: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """A step, and whose it is. `states` are what its transitions led to; the active ones where the row has them all."""

    entry: JournalEntry
    shard: int
    instance: int
    machine: str
    key: str
    states: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Give it as plain JSON: what a filter sees as `step`."""
        entry = {field.name: getattr(self.entry, field.name) for field in fields(JournalEntry)}
        return entry | {
            "at": self.entry.at.isoformat(),
            "transitions": list(self.entry.transitions),
            "shard": self.shard,
            "instance": self.instance,
            "machine": self.machine,
            "key": self.key,
            "states": list(self.states),
        }


class Follower:
    """A reader of journals. `ns` is where it stands in each shard: every row up to there was read, and none beyond.

    It reads only up to what is known to be committed, so it misses nothing; its place moves with what it gives, so it
    gives nothing twice. Not for several threads at a time.
    """

    def __init__(
        self, subject: Subject, epoch: int, ns: Mapping[int, int], landings: Landings, wanted: StepFilter | None = None
    ) -> None:
        self.ns = dict(ns)
        self._epoch = epoch
        self._subject = subject
        self._landings = landings
        self._wanted = wanted
        self._order = list(ns)
        self._failure: FilterTooCostly | None = None

    def is_behind(self, progress: Progress) -> bool:
        """Tell whether there is something to read."""
        return any(reached.n > self.ns.get(shard, reached.n) for shard, reached in progress.shards.items())

    def read(self, connection: Connection, progress: Progress) -> tuple[Followed, ...]:
        """Read on, in the order of each shard's journal, no further than `progress`; end the transaction.

        There may be nothing wanted in what was read: read again while `is_behind`.

        Raises:
            Gone: rows that were to be read are no longer there, or the map of shards is another since.
            FilterTooCostly: on a row; what was before it, the reading before has given.
        """
        if self._failure is not None:
            raise self._failure
        check_epoch(self._epoch, progress)
        behind = [shard for shard in self._order if shard in progress.shards]
        behind = [shard for shard in behind if progress.shards[shard].n > self.ns[shard]]
        share = max(1, ROWS // max(1, len(behind)))
        afters = [self.ns[shard] for shard in behind]
        lasts = [min(progress.shards[shard].n, after + share) for shard, after in zip(behind, afters, strict=True)]
        subject = self._subject
        windows = {"shards": behind, "afters": afters, "lasts": lasts}
        whose = {"tenant": subject.tenant, "machine": subject.machine, "key": subject.key, "bytes": BYTES}
        with pipelined(connection, "following"):
            read = _SQL["read_windows"].run(connection, windows | whose)
            # After the rows were read, and rows go from the oldest on: if the first is still there, all were.
            gone = _SQL["gone"].run(connection, {"shards": behind, "afters": afters})
        rows = read.fetchall()
        _refuse_gone({shard for (shard,) in gone}, dict(zip(behind, afters, strict=True)))
        steps, examined = self._chosen(connection, rows)
        end_reading(connection)
        whole = examined == len(rows) and (not rows or rows[-1][-1] == len(rows))
        self._move(behind, lasts, None if whole else rows[examined - 1])
        return steps

    def _chosen(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> tuple[tuple[Followed, ...], int]:
        """Give what is wanted, and how many rows were looked at for it: at least one."""
        steps: list[Followed] = []
        until = time.monotonic() + FILTER_S_MAX
        for examined, row in enumerate(rows):
            if self._wanted is not None and examined and time.monotonic() > until:
                return tuple(steps), examined
            step = self._followed(connection, row)
            try:
                wanted = self._wanted is None or self._wanted.wants(step.document())
            except FilterTooCostly as error:
                if not examined:
                    raise
                self._failure = error
                return tuple(steps), examined
            if wanted:
                steps.append(step)
        return tuple(steps), len(rows)

    def _followed(self, connection: Connection, row: tuple[Any, ...]) -> Followed:
        entry = journal_entry(row[:_ENTRY_COLUMNS])
        state = row[_STATE_COLUMN]
        shard, instance, machine, name, key, *_ = row[_ENTRY_COLUMNS:]
        if state is not None:
            states = tuple(orjson.loads(state)["configuration"])
        else:
            landing = self._landings.get(connection, machine, entry.version) if entry.transitions else {}
            states = tuple(dict.fromkeys(id_ for number in entry.transitions for id_ in landing.get(number, ())))
        return Followed(entry, shard, instance, name, key, states)

    def _move(self, windows: Sequence[int], lasts: Sequence[int], stopped_at: tuple[Any, ...] | None) -> None:
        """Go to the ends of the windows, or to the row at which reading stopped; its shard's turn is then the first."""
        if stopped_at is None:
            self.ns.update(zip(windows, lasts, strict=True))
            return
        n, place = stopped_at[0], stopped_at[-2] - 1
        self.ns.update(zip(windows[:place], lasts[:place], strict=True))
        self.ns[windows[place]] = n
        turn = self._order.index(windows[place]) + 1
        self._order = self._order[turn:] + self._order[:turn]


def check_epoch(epoch: int, progress: Progress) -> None:
    """Look whether the map of shards is still that of an epoch.

    Raises:
        Gone: it is another.
    """
    if progress.epoch != epoch:
        raise Gone("the map of shards is another since", where=f"epoch {epoch}")


def check_kept(connection: Connection, ns: Mapping[int, int]) -> None:
    """Look whether the journals still have what comes after a place, in the caller's transaction.

    Raises:
        Gone: they do not.
    """
    parameters = {"shards": list(ns), "afters": list(ns.values())}
    _refuse_gone({shard for (shard,) in _SQL["gone"].run(connection, parameters)}, ns)


def _refuse_gone(shards: set[int], ns: Mapping[int, int]) -> None:
    if shards:
        shard = min(shards)
        what = f"the journal of shard {shard} no longer has what comes after {ns[shard]}"
        raise Gone(what, where=f"shard {shard}")
