"""The speed of a replay: when each event is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime


class Pace:
    """Waits until an event of the log is due: the log's time, `speed` times as fast. A speed of 0 never waits."""

    def __init__(
        self, speed: float, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._first: datetime | None = None
        self._began = 0.0

    def wait(self, at: datetime) -> None:
        """Wait for an event of this time; the first one is due at once."""
        if not self._speed:
            return
        if self._first is None:
            self._first, self._began = at, self._clock()
        due = self._began + (at - self._first).total_seconds() / self._speed
        if (left := due - self._clock()) > 0:
            self._sleep(left)
