"""What the sessions of one database do, looked at again and again from another database of the same server."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.rig.database import Database

_EVERY_S: Final = 0.02
_SESSIONS: Final = """
SELECT application_name, coalesce(state, ''), coalesce(wait_event_type, ''), coalesce(wait_event, '')
FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'foliot-%%'"""


@dataclass(frozen=True, slots=True)
class Sight:
    """One session in one look, in the words of pg_stat_activity; '' where it says nothing."""

    application: str
    state: str
    wait_type: str
    wait: str


class SessionWatch:
    """Counts sights. A wait that is shorter than the time between two looks is seen as often as it is long."""

    def __init__(self) -> None:
        self.looks = 0
        self.sights: Counter[Sight] = Counter()
        self._looks_with: Counter[str] = Counter()

    def add(self, sights: Iterable[Sight]) -> None:
        """Take in one look at all sessions."""
        seen = list(sights)
        self.looks += 1
        self.sights.update(seen)
        self._looks_with.update({sight.wait_type for sight in seen})

    def share_with(self, wait_type: str) -> float:
        """Give the share of looks in which at least one session waited for something of that type: 0 to 1."""
        return self._looks_with[wait_type] / max(1, self.looks)


@contextmanager
def watch_sessions(database: Database, watched: str) -> Iterator[SessionWatch]:
    """Look at Foliot's sessions in the database `watched` repeatedly, from a thread that has `database` for itself.

    What it costs the server is the backend of `database`, which is a watcher as others are.
    """
    watch, over = SessionWatch(), threading.Event()

    def look() -> None:
        while not over.wait(_EVERY_S):
            watch.add(Sight(*map(str, row)) for row in database.rows(_SESSIONS, watched))

    thread = threading.Thread(target=look, name="watch-sessions", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
