"""The batch stepper: takes shards that have work and steps their events, each batch in one transaction.

Lock and writes live and die together: the cursor rows are locked in the transaction that moves them, so there are no
leases. One `Stepper` belongs to one thread at a time; its caller sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import itemgetter
from time import monotonic, perf_counter
from typing import Any, Final, Literal, TypeAlias

import structlog

from foliot.errors import Refusal
from foliot.registry import Catalog, Versions, load_catalog
from foliot.runtime.addresses import is_urgent
from foliot.runtime.batch import Parking, ShardBatch
from foliot.runtime.lives import LifeCache, ShardCursor, Waiting
from foliot.runtime.reading import AHEAD_EVENTS_MAX, Locked, load_lives, lock, read_events
from foliot.runtime.rehearsal import rehearse
from foliot.runtime.selection import CALM_FEW, Deference, ShardWork, brief, choose_shards, has_room
from foliot.runtime.writing import write_and_commit
from foliot.settings import Settings
from foliot.store import (
    Conflict,
    Connection,
    DataRefused,
    StoreError,
    StoreUnavailable,
    TransactionLost,
    columns,
    connect,
    crash_point,
    discard,
    end_reading,
    let_go,
    load,
    numbers_text,
    pipelined,
    roll_back,
)

log = structlog.get_logger(__name__)

_SQL: Final = load("step")
_ATTEMPTS: Final = load("attempts")
_INTAKE: Final = load("intake")
ATTEMPTS_MAX: Final = 3
_VERSIONS_MAX: Final = 256
_AWAITED_MAX: Final = 2
"""Shards that an urgent child waits for at a time."""
_LEAVE_S: Final = 0.1
"""How long the others leave a shard with a few urgent events to the urgent children."""
Role: TypeAlias = Literal["alone", "urgent", "bulk"]
"""What a child does beside others: all lanes; critical and high events and a few of the others, waiting for a shard
that somebody holds; all lanes, but leaving shards with a few urgent events to the urgent children for a while."""
_HELD: Final = -1
"""In the place of a queue: events that an instance held."""
_PLACE: Final = itemgetter(*map(Waiting._fields.index, ("queue", "number")))
"""Of an event in its shard; taken by index, which is twice as fast as by name."""
_ALARM_COLUMNS: Final = ("codes", "tenants", "shards", "whats")


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one batch did: events that left the inbox or were drained, shards that it held, its whole time."""

    events: int
    shards: int
    seconds: float
    had_room: bool = True
    """Whether it could have taken as many again."""


NOTHING: Final = Stepped(0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class _Condemned:
    """An event that must not be stepped: the first of `queue` (`_HELD`: of what is held) where the cursor was.

    `place` is the cursor's number in that queue, whatever others do meanwhile; of what is held, all of the cursor.
    """

    place: tuple[int, ...]
    queue: int
    parking: Parking | None


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is stepped of what was locked: how many events, of which queue if of one; whether an attempt died here."""

    cursors: Sequence[ShardCursor]
    capacity: int
    queue: int | None = None
    after_death: bool = False


class Pace:
    """How many events fit into the time of a batch, learnt from the batches before; halved by trouble."""

    def __init__(self, events_max: int, ms_max: float) -> None:
        self._events_max = events_max
        self._seconds = ms_max / 1000
        self._seconds_each = self._seconds / events_max
        self._limit = float(events_max)

    @property
    def capacity(self) -> int:
        """Tell how many events the next batch may take."""
        return max(1, min(self._events_max, int(self._limit), int(self._seconds / self._seconds_each)))

    def learn(self, events: int, seconds: float) -> None:
        """Take in what a committed batch has cost."""
        if events:
            self._seconds_each += 0.2 * (seconds / events - self._seconds_each)
            self._seconds_each = max(self._seconds_each, 1e-7)
        self._limit = min(float(self._events_max), self._limit * 1.5 + 1)

    def halve(self) -> None:
        """Take less next time: a batch was lost, and may have been for its length."""
        self._limit = max(1.0, self.capacity / 2)


class Stepper:
    """Steps batches. `writer` names this child in cursor rows and alarms and must be unique among the living."""

    def __init__(
        self, settings: Settings, *, writer: str, on_logs: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        self._settings = settings
        self._off = settings.defences_off
        self._writer = writer
        self._connection: Connection | None = None
        self._attempts: Connection | None = None
        self._catalog: Catalog | None = None
        self._versions = Versions(_VERSIONS_MAX)
        self._pace = Pace(settings.step_batch, settings.step_batch_ms)
        self._capacity = self._pace.capacity
        self._suspects: dict[int, int] = {}
        self._condemned: dict[int, _Condemned] = {}
        self._alone: _Condemned | None = None
        self._unexcused: set[int] = set()
        self._deference = Deference(_LEAVE_S)
        self._on_logs = on_logs or (lambda entry: log.info("machine_log", **entry))
        self.cache = LifeCache(settings.cache_instances_max)

    @property
    def leaves_work(self) -> bool:
        """Tell whether the last look left shards to the urgent children: they may be gone, so look again soon."""
        return self._deference.has_left

    def run_batch(self, shards: Sequence[int] = (), *, role: Role = "alone", is_brief: bool = False) -> Stepped:
        """Step one batch and commit it; `NOTHING` when no shard has work that this child may take.

        `shards` are said to have a little work: they are taken whoever had them last, without a look at the others. A
        batch that was lost, or whose work another had done, has shards and no events.

        Args:
            shards: those to step; empty: choose.
            role: what this child does beside others.
            is_brief: hold shards for a short time only, since urgent events may come to them.

        Raises:
            StoreUnavailable: the database does not answer; the next call makes a new connection.
        """
        taken: list[int] = []
        try:
            return self._batch(taken, shards, role, is_brief=is_brief)
        except DataRefused as error:
            self._bisect(taken, error)
        except Conflict as error:
            self._conflicted(taken, error)
        except StoreUnavailable:
            # It may have been ended for being slow.
            self._pace.halve()
            self._disconnect(taken)
            raise
        except StoreError as error:
            log.warning("batch_lost", error=str(error), shards=taken)
            self._roll_back(taken)
            self._pace.halve()
        except BaseException:
            self._disconnect(taken)
            raise
        return Stepped(0, len(taken), 0.0)

    def rehearse(self) -> None:
        """Do beforehand what would make the first batch slow; what fails, the first batch will meet again."""
        try:
            connection = self._open()
            catalog = self._catalog = load_catalog(connection)
            rehearse(connection, catalog, self._versions)
        except Exception as error:  # noqa: BLE001 - another release's machine, say: nothing here may keep a child from work
            log.warning("not_rehearsed", error=str(error))
            self._disconnect([])

    def close(self) -> None:
        """Close the connections; what was not committed is rolled back by the server."""
        self._disconnect([])

    def _batch(self, taken: list[int], named: Sequence[int], role: Role, *, is_brief: bool) -> Stepped:
        began = perf_counter()
        self._alone = None
        self._capacity = brief(self._pace.capacity) if is_brief else self._pace.capacity
        connection = self._open()
        chosen, little = (sorted(named), True) if named else self._choose(connection, role)
        locked = self._lock(connection, chosen, role, ahead=little) if chosen else None
        if locked is None or not locked.cursors:
            end_reading(connection)
            return NOTHING
        heads = locked.heads
        # Another may have stepped all of it since the choice. A batch of nothing would leave an attempt that looks
        # like a death to the next one: its cursors do not move.
        busy = [cursor for cursor in locked.cursors if _has_work(cursor, heads[cursor.shard], role)]
        if not busy:
            let_go(connection)
            return Stepped(0, len(locked.cursors), perf_counter() - began)
        taken.extend(cursor.shard for cursor in busy)
        own = _urgent(busy, heads) if role == "urgent" else heads
        trial = self._attempt(busy, own)
        held = trial.cursors
        condemned = self._condemned_at(held)
        if condemned is not None:
            trial = _Trial(held, 1, condemned.queue)
        catalog = self._fresh_catalog(connection, locked.revision)
        # What died here may have been a batch of all lanes. An urgent child that moved the cursors past its urgent
        # events alone would wipe out the trace of that death, again and again, and the event that kills stay for ever.
        wanted = heads if trial.after_death else own
        if trial.queue is not None:
            wanted = _only(trial.queue, held[0], heads)
        share = self._settings.step_share
        events = read_events(connection, held, wanted, locked.ahead, capacity=trial.capacity, share=share)
        self._alone = _alone(held, events)
        compare = "token" not in self._off
        lives = load_lives(connection, self.cache, held, events, locked.ahead, compare=compare)
        batches = []
        stepping = perf_counter()
        for cursor in held:
            batch = ShardBatch(
                cursor,
                lives[cursor.shard],
                catalog=catalog,
                compiled=lambda machine, version: self._versions.get(connection, machine, version),
                now=locked.now,
            )
            events_in_order = self._in_order(events[cursor.shard], draining=cursor.draining)
            batch.run(events_in_order, parking=condemned.parking if condemned else None)
            batches.append(batch)
        stepping = perf_counter() - stepping
        crash_point.passed("step.stepped")
        if "cache_drop" in self._off:
            for batch in batches:
                self.cache.keep(batch.cursor.shard, batch.cursor.token, batch.output.changed)
        tokens = write_and_commit(connection, batches, heads, name="step", writer=self._writer)
        return self._finish(batches, events, tokens, stepping, perf_counter() - began)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._settings.dsn_service, application=f"foliot-step {self._writer}")
        if self._attempts is None:
            name = f"foliot-attempts {self._writer}"
            self._attempts = connect(self._settings.dsn_service, application=name, synchronous=False)
            self._attempts.autocommit = True
        self._excuse(self._attempts)
        return self._connection

    def _excuse(self, attempts: Connection) -> None:
        """Say of attempts that ended without a step that nothing died."""
        if self._unexcused:
            _ATTEMPTS["excuse"].run(attempts, {"shards": sorted(self._unexcused)})
            self._unexcused.clear()

    def _choose(self, connection: Connection, role: Role) -> tuple[list[int], bool]:
        """Choose shards; tell too whether so little waits there that it can be read with the lock."""
        # In a pipeline, so that the beginning of the transaction costs no round trip of its own.
        with pipelined(connection, "step.find"):
            found = _SQL["find_work"].run(connection)
        work = {
            shard: ShardWork(shard, tuple(h - c for h, c in zip(head, cursor, strict=True)), writer, idle_ms)
            for shard, head, cursor, writer, idle_ms in found
        }
        chosen = choose_shards(
            self._deference.without_left(work.values(), monotonic()) if role == "bulk" else work.values(),
            capacity=self._capacity,
            writer=self._writer,
            steal_after_ms=self._settings.steal_after_ms,
            urgent_only=role == "urgent",
        )
        events = sum(work[shard].urgent if role == "urgent" else sum(work[shard].waiting) for shard in chosen)
        return chosen, events <= AHEAD_EVENTS_MAX

    def _lock(
        self, connection: Connection, shards: Sequence[int], role: Role = "alone", *, ahead: bool
    ) -> Locked | None:
        """Lock those of the shards that are free; an urgent child waits where none is. None: in vain."""
        alone = next((shard for shard in shards if shard in self._suspects or shard in self._condemned), None)
        wanted = shards if alone is None else [alone]
        if "cursor_lock" in self._off:
            return lock(connection, wanted, ahead=ahead, how="read_cursors")
        few = CALM_FEW if role == "urgent" else 0
        locked = lock(connection, wanted, ahead=ahead, few=few)
        if locked.cursors or role != "urgent":
            return locked
        try:
            return lock(connection, wanted[:_AWAITED_MAX], ahead=ahead, few=few, how="await_cursors")
        except TransactionLost:
            roll_back(connection)
            return None

    def _attempt(self, cursors: Sequence[ShardCursor], heads: dict[int, Sequence[int]]) -> _Trial:
        """Write down that these cursors are tried; tell which of them are stepped, and how.

        A shard whose cursors have seen an attempt die is tried alone, after two deaths event by event. An event is
        parked after three deaths from its own cursors: a kill from outside rarely hits the same event again.
        """
        shards = [cursor.shard for cursor in cursors]
        capacity = self._capacity
        if shards[0] in self._suspects:
            capacity = min(capacity, self._suspects[shards[0]])
        if "attempts" in self._off or self._attempts is None:
            return _Trial(cursors, capacity)
        # A batch that only drains moves no number: the count of batches tells that it was finished. A single step
        # says of which queue it is, since by the next attempt a more urgent event may have come.
        places = [
            (cursor.shard, numbers_text((*_place(cursor, _HELD), _first_queue(cursor, heads[cursor.shard]))))
            for cursor in cursors
        ]
        parameters = {
            **columns(("shards", "numbers"), places),
            "writer": self._writer,
            "single_steps": self._settings.step_batch,
        }
        tried = _ATTEMPTS["begin"].run(self._attempts, parameters).fetchall()
        worst, unfinished, singles, queue = max(tried, key=lambda row: (row[1] > 1 or row[2] > 0, row[2], row[1]))
        if unfinished <= 1 and singles == 0:
            return _Trial(cursors, capacity)
        others = [shard for shard in shards if shard != worst]
        if others:
            _ATTEMPTS["excuse"].run(self._attempts, {"shards": others})
        if singles and unfinished > ATTEMPTS_MAX:
            what = f"stepping this event ended its process {ATTEMPTS_MAX} times"
            remedy = "Find out why (memory, a native crash), then redrive."
            parking = Parking(Refusal("process_died", what, remedy=remedy), ATTEMPTS_MAX)
            place = next(_place(cursor, queue) for cursor in cursors if cursor.shard == worst)
            self._condemned[worst] = _Condemned(place, queue, parking)
        log.warning("attempt_after_death", shard=worst, unfinished=unfinished, single_steps=singles)
        stepped = [cursor for cursor in cursors if cursor.shard == worst]
        return _Trial(stepped, 1, queue) if singles else _Trial(stepped, capacity, after_death=True)

    def _condemned_at(self, cursors: Sequence[ShardCursor]) -> _Condemned | None:
        """Give the event that is to be parked; one that another child has passed meanwhile is forgotten."""
        for cursor in cursors:
            condemned = self._condemned.get(cursor.shard)
            if condemned is not None and condemned.place == _place(cursor, condemned.queue):
                return condemned
            self._condemned.pop(cursor.shard, None)
        return None

    def _fresh_catalog(self, connection: Connection, revision: int | None) -> Catalog:
        if self._catalog is None or revision != self._catalog.revision:
            self._catalog = load_catalog(connection)
        return self._catalog

    def _in_order(self, events: list[Waiting], *, draining: bool) -> list[Waiting]:
        ordered = sorted(events, key=_PLACE, reverse="lane_order" in self._off)
        if draining:
            # What an instance held goes before what came later; the sort leaves both parts in their order.
            ordered.sort(key=lambda event: event.holder is None)
        return ordered

    def _finish(
        self,
        batches: Sequence[ShardBatch],
        events: dict[int, list[Waiting]],
        tokens: dict[int, bytes],
        stepping: float,
        seconds: float,
    ) -> Stepped:
        count = sum(len(part) for part in events.values())
        for batch in batches:
            shard = batch.cursor.shard
            self.cache.keep(shard, tokens[shard], batch.output.changed)
            self._condemned.pop(shard, None)
            if shard in self._suspects:
                self._suspects[shard] *= 2
                if self._suspects[shard] > self._settings.step_batch:
                    del self._suspects[shard]
            for entry in batch.output.logs:
                self._on_logs(entry)
        self._pace.learn(count, stepping)
        return Stepped(count, len(batches), seconds, had_room=has_room(count, self._capacity))

    def _bisect(self, taken: Sequence[int], error: DataRefused) -> None:
        """Go on with fewer events: shards one by one, then halves, until one event is left, which is parked."""
        log.warning("batch_refused", error=str(error), shards=list(taken))
        self._roll_back(taken)
        if len(taken) > 1:
            self._suspects.update(dict.fromkeys(taken, self._settings.step_batch))
        elif taken:
            capacity = self._suspects.get(taken[0], self._pace.capacity)
            self._suspects[taken[0]] = max(1, capacity // 2)
            if self._alone is not None:
                remedy = "Correct the machine or the event, then redrive."
                refusal = Refusal("not_storable", error.refusal.what, error.refusal.where, remedy)
                self._condemned[taken[0]] = replace(self._alone, parking=Parking(refusal, 1))

    def _conflicted(self, taken: Sequence[int], error: Conflict) -> None:
        log.error("shard_conflict", error=str(error), shards=list(taken))
        self._roll_back(taken)
        if self._attempts is not None:
            rows = columns(_ALARM_COLUMNS, [("shard_conflict", None, shard, str(error)) for shard in taken])
            _INTAKE["insert_alarms"].run(self._attempts, {**rows, "writer": self._writer})

    def _roll_back(self, taken: Sequence[int]) -> None:
        self._unexcused.update(taken)
        if "cache_drop" not in self._off:
            for shard in taken:
                self.cache.drop(shard)
        if self._attempts is not None:
            # At once, or the next child takes it for a death; what fails is said when the connection is a new one.
            with suppress(StoreError):
                self._excuse(self._attempts)
        if self._connection is not None:
            roll_back(self._connection)

    def _disconnect(self, taken: Sequence[int]) -> None:
        self._unexcused.update(taken)
        if "cache_drop" not in self._off:
            self.cache.drop_all()
        for connection in (self._connection, self._attempts):
            if connection is not None:
                discard(connection)
        self._connection = self._attempts = None
        # A server that took over may have other changes of the registry under the same revision and version numbers.
        self._catalog, self._versions = None, Versions(_VERSIONS_MAX)


def _place(cursor: ShardCursor, queue: int) -> tuple[int, ...]:
    return (*cursor.numbers, cursor.batch) if queue == _HELD else (cursor.numbers[queue],)


def _first_queue(cursor: ShardCursor, head: Sequence[int]) -> int:
    """Tell which queue a single step takes its event from."""
    if cursor.draining:
        return _HELD
    return next(queue for queue, number in enumerate(cursor.numbers) if head[queue] > number)


def _has_work(cursor: ShardCursor, head: Sequence[int], role: Role) -> bool:
    """Tell whether a shard has something to be done: for an urgent child something urgent, or what it drains."""
    return cursor.draining or any(
        last > number and (role != "urgent" or is_urgent(queue))
        for queue, (number, last) in enumerate(zip(cursor.numbers, head, strict=True))
    )


def _urgent(cursors: Sequence[ShardCursor], heads: Mapping[int, Sequence[int]]) -> dict[int, Sequence[int]]:
    """Give heads as if critical and high events alone waited, and of each other queue no more than a few."""
    return {
        cursor.shard: [
            head if is_urgent(queue) else min(head, number + CALM_FEW)
            for queue, (number, head) in enumerate(zip(cursor.numbers, heads[cursor.shard], strict=True))
        ]
        for cursor in cursors
    }


def _only(queue: int, cursor: ShardCursor, heads: dict[int, Sequence[int]]) -> dict[int, Sequence[int]]:
    """Give heads as if events waited in one queue alone."""
    if queue == _HELD:
        return heads
    head = heads[cursor.shard]
    return {cursor.shard: [head[place] if place == queue else number for place, number in enumerate(cursor.numbers)]}


def _alone(cursors: Sequence[ShardCursor], events: dict[int, list[Waiting]]) -> _Condemned | None:
    """Name the event of a batch that has no other."""
    if len(cursors) != 1 or len(events[cursors[0].shard]) != 1:
        return None
    [event] = events[cursors[0].shard]
    queue = event.queue if event.holder is None else _HELD
    return _Condemned(_place(cursors[0], queue), queue, None)
