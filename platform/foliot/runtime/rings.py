"""The rings of the inbox, the outbox, the timers and the ids: the next segment is written, the one after it emptied.

Nobody writes a segment that is to be emptied, and cursors only go forward: so what is still wanted of it is moved to
the table of late rows in portions, each a transaction of its own, and readers find a row in the one place or the other.
"""

from __future__ import annotations

import time
from typing import Final

import structlog

from foliot.settings import Settings
from foliot.store import Connection, StoreUnavailable, TransactionLost, commit, end_reading, load, roll_back

log = structlog.get_logger(__name__)

_SQL: Final = load("sweep")
RINGS: Final = ("inbox", "outbox", "timers", "dedupe")
PORTION: Final = 1_000
"""Rows that one transaction moves or deletes at most; each may have a MiB."""
SECONDS_MAX: Final = 2.0
"""How long a sweep is busy with one ring at most: timers wait meanwhile."""
_ALL: Final = 2**31 - 1
RING_PERIODS_MAX: Final = 2.0
"""A ring is stuck when it has not gone on for this many times its period."""


def turn_rings(connection: Connection, settings: Settings, *, writer: str) -> tuple[str, ...]:
    """Take each ring as far as it goes in the time there is; give those of which anything was done.

    Raises:
        StoreUnavailable: the connection is gone.
    """
    return tuple(name for name in RINGS if _turn_for_a_while(connection, settings, name, writer))


def turn_ring(connection: Connection, settings: Settings, name: str, *, writer: str = "sweep") -> bool:
    """Move a portion, or empty the segment after the written one, or write the next one if it is time.

    The work is left for another round when a lock cannot be had in 100 ms. Gives whether anything was done.
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
        _alarm_if_stuck(connection, settings, name, writer)
        return False
    except StoreUnavailable:
        raise
    except BaseException:
        roll_back(connection)
        raise
    return done


def _turn_for_a_while(connection: Connection, settings: Settings, name: str, writer: str) -> bool:
    deadline = time.monotonic() + SECONDS_MAX
    anything = False
    while turn_ring(connection, settings, name, writer=writer):
        anything = True
        if time.monotonic() > deadline:
            break
    return anything


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
    if age < segment_seconds(settings, name):
        return False
    _SQL["short_lock_timeout"].run(connection)
    if name == "inbox":
        _SQL["lock_all_heads"].run(connection)
        _SQL["turn_heads"].run(connection, {"segment": following})
    _SQL["turn_ring"].run(connection, {"name": name, "segment": following})
    log.info("ring_turned", ring=name, segment=following)
    return True


def segment_seconds(settings: Settings, name: str) -> float:
    """Give the age at which a ring goes on to its next segment."""
    if name == "timers":
        return settings.timer_segment_s
    if name == "dedupe":
        # The written generation and three before it are looked at, so an id is remembered for three of them at least.
        return settings.dedupe_window_s / 3
    return settings.inbox_segment_s


def _empty(connection: Connection, name: str, segment: int) -> None:
    """Move or delete a portion; where there is none left, empty the segment under its lock."""
    _SQL["short_lock_timeout"].run(connection)
    if name in ("inbox", "outbox"):
        cleared = _SQL[f"clear_{name}_late"].run(connection, {"count": PORTION}).rowcount
        if cleared == PORTION:
            return
    if name != "dedupe":
        moved = _SQL[f"keep_{name}"].run(connection, {"segment": segment, "count": PORTION}).rowcount
        if moved > 0:
            log.info("segment_lags", ring=name, segment=segment, moved=moved)
            return
        _SQL["lock_segment"].run(connection, {"ring": name, "segment": segment})
        # What a straggler has written after all, when nobody else can any more.
        _SQL[f"keep_{name}"].run(connection, {"segment": segment, "count": _ALL})
    _SQL["empty_segment"].run(connection, {"ring": name, "segment": segment})
    _SQL["ring_ready"].run(connection, {"name": name})


def _alarm_if_stuck(connection: Connection, settings: Settings, name: str, writer: str) -> None:
    parameters = {
        "name": name,
        "seconds": RING_PERIODS_MAX * segment_seconds(settings, name),
        "what": f"the ring of {name} does not turn: a lock on its next segment is not to be had",
        "writer": writer,
    }
    if _SQL["alarm_stuck_ring"].run(connection, parameters).rowcount > 0:
        log.error("ring_stuck", ring=name)
    commit(connection, "ring_alarm")
