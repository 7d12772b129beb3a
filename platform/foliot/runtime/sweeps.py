"""The scheduler: fires due timers, wakes forgotten shards, ends frozen sessions, turns the rings.

A sweep may run twice at once or not at all for a minute without harm: what it decides it looks at again under the
locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from foliot.runtime.addresses import with_work
from foliot.runtime.inbox import fill_inbox
from foliot.runtime.wake import Wake
from foliot.settings import Settings
from foliot.store import (
    KIND_TIMER,
    Connection,
    StoreUnavailable,
    TransactionLost,
    columns,
    commit,
    end_reading,
    let_go,
    load,
    roll_back,
)

log = structlog.get_logger(__name__)

_SQL: Final = load("sweep")
_INTAKE: Final = load("intake")
_STEP: Final = load("step")
TIMERS_MAX: Final = 1000
"""Timers that one transaction fires at most."""
FORGOTTEN_MS: Final = 2000
"""A shard with work that nobody has written for this long is woken again."""
_KEYS: Final = ("shards", "instances", "timers", "armed")
TIMER_SOURCE: Final = "foliot/timer"


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did."""

    timers: int
    woken: int
    ended: int
    turned: tuple[str, ...]


def sweep(connection: Connection, settings: Settings, wake: Wake) -> Swept:
    """Do one round of everything, each part in short transactions of its own.

    Raises:
        StoreUnavailable: the connection is gone.
    """
    ended = end_frozen(connection, settings.holder_age_max_s)
    fired = 0
    while (count := fire_timers(connection, wake)) > 0:
        fired += count
        if count < TIMERS_MAX:
            break
    woken = wake_forgotten(connection, wake)
    turned = tuple(name for name in ("inbox", "outbox", "timers", "dedupe") if turn_ring(connection, settings, name))
    return Swept(fired, woken, ended, turned)


def end_frozen(connection: Connection, seconds: float) -> int:
    """End sessions that sit idle inside a hot transaction: their process is frozen, and they hold a shard or heads."""
    ended = _SQL["end_frozen"].run(connection, {"seconds": seconds}).fetchall()
    end_reading(connection)
    for pid, application, done in ended:
        log.warning("frozen_session_ended", pid=pid, application=application, done=done)
    return len(ended)


def fire_timers(connection: Connection, wake: Wake) -> int:
    """Turn due timers into events of their instances' inboxes, exactly once each; give how many."""
    due = _SQL["due_timers"].run(connection, {"count": TIMERS_MAX}).fetchall()
    if not due:
        end_reading(connection)
        return 0
    shards = sorted({row[0] for row in due})
    locked = _INTAKE["lock_heads"].run(connection, {"shards": shards}).fetchall()
    heads = {shard: numbers for shard, numbers, _ in locked}
    segments = {shard: segment for shard, _, segment in locked}
    gathered: list[tuple[Any, ...]] = []
    for late, take, delete in (
        (False, "take_timers", "delete_timers"),
        (True, "take_timers_late", "delete_timers_late"),
    ):
        keys = sorted(row[:4] for row in due if row[5] is late)
        if keys:
            taken = _SQL[take].run(connection, columns(_KEYS, keys)).fetchall()
            gathered.extend(taken)
            if taken:
                _STEP[delete].run(connection, columns(_KEYS, [row[:4] for row in taken]))
    # Timers of one moment fire in the order in which they were armed.
    gathered.sort(key=lambda timer: (timer[-2], timer[3], timer[-1]))
    rows = [_inbox_row(timer[:-2], heads, segments) for timer in gathered]
    if rows:
        woken = with_work((row[1], row[2]) for row in rows)
        fill_inbox(connection, rows, {shard: heads[shard] for shard in sorted(woken)})
        commit(connection, "sweep")
        wake.wake(woken)
    else:
        let_go(connection)
    return len(rows)


def _inbox_row(timer: Sequence[Any], heads: dict[int, list[int]], segments: dict[int, int]) -> tuple[Any, ...]:
    shard, instance, id_, armed, tenant, machine, key, queue, type_, data, traceparent = timer
    heads[shard][queue] += 1
    return (
        *(segments[shard], shard, queue, heads[shard][queue], tenant, machine, key, KIND_TIMER),
        *(f"{instance}.{id_}.{armed}", TIMER_SOURCE, type_, None, data, traceparent, instance, id_, armed),
    )


def wake_forgotten(connection: Connection, wake: Wake) -> int:
    """Wake shards whose work nobody has touched for a while: their wake-up was lost, or their worker died."""
    idle: dict[int, bool] = dict(_SQL["idle_shards"].run(connection, {"ms": FORGOTTEN_MS}).fetchall())
    end_reading(connection)
    if idle:
        wake.wake(idle)
        # Those who should have done the urgent work may be what is missing.
        wake.wake(dict.fromkeys(idle, False))
    return len(idle)


def turn_ring(connection: Connection, settings: Settings, name: str) -> bool:
    """Empty the segment after the written one, or write the next one if it is time; tell whether anything was done.

    The work is left for another round when a lock cannot be had in 100 ms.
    """
    try:
        done = _turn(connection, settings, name)
        if done:
            commit(connection, f"ring_{name}")
        else:
            end_reading(connection)
    except TransactionLost as error:
        roll_back(connection)
        log.info("ring_busy", ring=name, error=str(error))
        return False
    except StoreUnavailable:
        raise
    except BaseException:
        roll_back(connection)
        raise
    return done


def _turn(connection: Connection, settings: Settings, name: str) -> bool:
    row = _SQL["try_ring_lock"].run(connection).fetchone()
    if row is None or not row[0]:
        return False
    rings = {row[0]: row[1:] for row in _SQL["read_rings"].run(connection)}
    segment, segments, ready, age = rings[name]
    following = (segment + 1) % segments
    if not ready:
        _empty(connection, name, following)
        return True
    if age < _segment_seconds(settings, name):
        return False
    _SQL["short_lock_timeout"].run(connection)
    if name == "inbox":
        _SQL["lock_all_heads"].run(connection)
        _SQL["turn_heads"].run(connection, {"segment": following})
    _SQL["turn_ring"].run(connection, {"name": name, "segment": following})
    log.info("ring_turned", ring=name, segment=following)
    return True


def _segment_seconds(settings: Settings, name: str) -> float:
    if name == "timers":
        return settings.timer_segment_s
    if name == "dedupe":
        # The written generation and three before it are looked at, so an id is remembered for three of them at least.
        return settings.dedupe_window_s / 3
    return settings.inbox_segment_s


def _empty(connection: Connection, name: str, segment: int) -> None:
    _SQL["short_lock_timeout"].run(connection)
    if name == "inbox":
        _SQL["clear_inbox_late"].run(connection)
        shards = [row[0] for row in _SQL["lagging_shards"].run(connection, {"segment": segment})]
        if shards:
            _SQL["wait_for_cursors"].run(connection, {"shards": shards})
            _SQL["keep_inbox"].run(connection, {"segment": segment, "shards": shards})
            log.warning("inbox_lags", shards=shards, segment=segment)
    elif name == "outbox":
        _SQL["clear_outbox_late"].run(connection)
        _SQL["lock_relays"].run(connection)
        # Where nobody relays, all of it is copied: not again and again for a lock that comes last and is not to be had.
        _SQL["lock_segment"].run(connection, {"ring": name, "segment": segment})
        _SQL["keep_outbox"].run(connection, {"segment": segment})
    elif name == "timers":
        _SQL["keep_timers"].run(connection, {"segment": segment})
    _SQL["empty_segment"].run(connection, {"ring": name, "segment": segment})
    _SQL["ring_ready"].run(connection, {"name": name})
