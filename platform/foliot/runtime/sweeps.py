"""The scheduler: fires due timers, wakes forgotten shards, ends frozen sessions, turns the rings.

A sweep may run twice at once or not at all for a minute without harm: what it decides it looks at again under the
locks.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from foliot.runtime.addresses import with_work
from foliot.runtime.inbox import fill_inbox
from foliot.runtime.rings import turn_rings
from foliot.runtime.wake import Wake
from foliot.settings import Settings
from foliot.store import KIND_TIMER, Connection, columns, commit, end_reading, let_go, load

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
    turned = turn_rings(connection, settings, writer=f"sweep@{socket.gethostname()}:{os.getpid()}")
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
