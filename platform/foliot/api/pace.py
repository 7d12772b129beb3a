"""How much of something each name may have in a time: buckets that fill evenly, and counts by the day."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Final

NAMES_MAX: Final = 10_000
"""Names that are remembered; beyond these the one that was not used for longest begins anew."""
BURST_S: Final = 2
DAY_S: Final = 86_400


class Buckets:
    """A bucket a name: `per_s` on average, and at most `full` at once, if not said otherwise those of `BURST_S`.

    What is taken at once may be more than is there, as long as one is there: the bucket then owes the rest, so that a
    batch larger than the bucket has its turn, and the average holds all the same.
    """

    def __init__(self, per_s: float, full: float | None = None) -> None:
        self.per_s = per_s
        self.full = max(1.0, BURST_S * per_s if full is None else full)
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, amount: float = 1.0) -> float:
        """Take; give 0, or the seconds after which it is worth asking again, and then nothing was taken."""
        now = time.monotonic()
        with self._lock:
            level = self._level(name, now)
            granted = level >= 1
            self._levels.pop(name, None)
            self._levels[name] = (level - amount if granted else level), now
            while len(self._levels) > NAMES_MAX:
                self._levels.popitem(last=False)
        return 0.0 if granted else (1 - level) / self.per_s

    def wait_s(self, name: str) -> float:
        """Tell how many seconds are left until something can be taken."""
        with self._lock:
            return max(0.0, 1 - self._level(name, time.monotonic())) / self.per_s

    def left(self, name: str) -> int:
        """Tell what is there."""
        with self._lock:
            return max(0, int(self._level(name, time.monotonic())))

    def _level(self, name: str, now: float) -> float:
        level, at = self._levels.get(name, (self.full, now))
        return min(self.full, level + (now - at) * self.per_s)


class Days:
    """A count a name, of at most `per_day` in a day of UTC."""

    def __init__(self, per_day: int) -> None:
        self.per_day = per_day
        self._lock = threading.Lock()
        self._day = 0
        self._counts: dict[str, int] = {}

    def take(self, name: str, amount: int) -> float:
        """Count; give 0, or the seconds until the next day where it would be too much, and then nothing is counted."""
        with self._lock:
            self._turn()
            count = self._counts.get(name, 0) + amount
            if count > self.per_day:
                return self.ends_s()
            self._counts[name] = count
            return 0.0

    def give_back(self, name: str, amount: int) -> None:
        """Take back what was counted today."""
        with self._lock:
            self._turn()
            self._counts[name] = max(0, self._counts.get(name, 0) - amount)

    def left(self, name: str) -> int:
        """Tell what is left of the day's count."""
        with self._lock:
            self._turn()
            return self.per_day - self._counts.get(name, 0)

    @staticmethod
    def ends_s() -> float:
        """Tell how many seconds the day has left."""
        return DAY_S - time.time() % DAY_S

    def _turn(self) -> None:
        day = int(time.time() // DAY_S)
        if day != self._day:
            self._day = day
            self._counts.clear()
