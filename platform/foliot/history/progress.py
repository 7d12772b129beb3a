"""How far shards are, and who is told when they have gone on: one look for all that wait in a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import structlog

from foliot.store import Connection, StoreError, connect, discard, end_reading, load

log = structlog.get_logger(__name__)

_SQL: Final = load("following")
_REST_S: Final = 0.005
"""The least time between two looks; it doubles from look to look until somebody new comes."""
_TROUBLE_S: Final = 1.0
"""The time until the next look where one has failed."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a shard is: the last `n` of its journal, and the last number applied of each queue."""

    n: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far shards are, under the map of an epoch. Every row of a journal up to `n` is committed."""

    epoch: int
    shards: Mapping[int, Reached]


NOTHING: Final = Progress(0, MappingProxyType({}))
"""What is known before the first look."""

Tell: TypeAlias = Callable[[Progress | None], None]
"""Is called with all that was seen, from the thread that looks; with None at the end. Returns soon, raises nothing."""


def look(connection: Connection, shards: Collection[int]) -> Progress:
    """Read how far shards are, in the caller's transaction; a shard that is not there is not in the answer.

    Whoever reads a journal by a later statement sees every row up to `n`: rows are numbered under the cursor's lock,
    and committed with the cursor.
    """
    rows = _SQL["progress"].run(connection, {"shards": sorted(shards)}).fetchall()
    epoch = rows[0][0] if rows else 0
    return Progress(epoch, {shard: Reached(n, tuple(numbers)) for _, shard, n, numbers in rows})


class Following:
    """One thread with one connection, which is quiet while nobody waits. Made once a process, after the last fork."""

    def __init__(self, dsn: str, *, application: str, rest_s_max: float) -> None:
        self._dsn = dsn
        self._application = application
        self._rest_s_max = rest_s_max
        self._changed = threading.Condition()
        self._waiting: dict[int, set[_Listener]] = {}
        self._newcomers: set[_Listener] = set()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)
        self._connection: Connection | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def works(self) -> bool:
        """Tell whether anybody will be told anything."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Tell all that wait that this is the end; whoever comes later is told at once. Waits for nothing."""
        with self._changed:
            self._ended = True
            listeners = {listener for each in self._waiting.values() for listener in each}
            self._changed.notify_all()
        for listener in listeners:
            listener.tell(None)

    def stop(self, timeout_s: float) -> None:
        """End, and wait until the thread is gone."""
        self.end()
        if self.works:
            self._thread.join(timeout_s)

    @contextmanager
    def told(self, shards: AbstractSet[int], tell: Tell) -> Iterator[None]:
        """Have `tell` called soon, then each time that one of the shards has gone on, until the block ends."""
        listener = _Listener(shards, tell)
        with self._changed:
            for shard in shards:
                self._waiting.setdefault(shard, set()).add(listener)
            self._newcomers.add(listener)
            ended = self._ended
            self._changed.notify_all()
        if ended:
            tell(None)
        try:
            yield
        finally:
            with self._changed:
                self._newcomers.discard(listener)
                for shard in shards:
                    self._waiting[shard].discard(listener)
                    if not self._waiting[shard]:
                        del self._waiting[shard]

    def _run(self) -> None:
        seen = NOTHING
        rest_s = _REST_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    break
                shards, newcomers = set(self._waiting), self._newcomers
                self._newcomers = set()
            rest_s = _REST_S if newcomers else min(2 * rest_s, self._rest_s_max)
            try:
                progress = self._look(shards)
            except StoreError as error:
                log.warning("following_failed", error=str(error))
                with self._changed:
                    self._newcomers |= newcomers
                    self._changed.wait_for(lambda: self._ended, _TROUBLE_S)
                continue
            self._spread(seen, progress, newcomers)
            seen = progress
            time.sleep(_REST_S)
            with self._changed:
                self._changed.wait_for(lambda: self._newcomers or self._ended, rest_s - _REST_S)
        self._disconnect()

    def _look(self, shards: Collection[int]) -> Progress:
        try:
            if self._connection is None:
                self._connection = connect(self._dsn, application=self._application)
            progress = look(self._connection, shards)
            end_reading(self._connection)
        except StoreError:
            self._disconnect()
            raise
        return progress

    def _spread(self, before: Progress, now: Progress, newcomers: AbstractSet[_Listener]) -> None:
        moved = {shard for shard, reached in now.shards.items() if before.shards.get(shard) != reached}
        if before.epoch != now.epoch:
            moved |= now.shards.keys()
        with self._changed:
            listeners = {listener for shard in moved for listener in self._waiting.get(shard, ())}
        for listener in listeners | newcomers:
            listener.tell(now)

    def _disconnect(self) -> None:
        if self._connection is not None:
            discard(self._connection)
            self._connection = None


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    shards: AbstractSet[int]
    tell: Tell
