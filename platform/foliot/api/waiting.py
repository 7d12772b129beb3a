"""Those who wait: how many there may be, and how a coroutine hears of progress."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from foliot.api.positions import Place
from foliot.api.problems import Refused
from foliot.errors import Refusal
from foliot.history import Following, Progress

_LOOK_S: Final = 1.0
"""How long whoever does not want to wait waits for the first look."""


class Seats:
    """So many may wait at a time, and so many of one key."""

    def __init__(self, what: str, *, seats: int, seats_of_key: int, setting: str) -> None:
        self._what = what
        self._seats = seats
        self._seats_of_key = seats_of_key
        self._setting = setting
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Tell how many there are."""
        return self._taken.total()

    @contextmanager
    def seat(self, key: str) -> Iterator[None]:
        """Take a seat for the time of the block.

        Raises:
            Refused: there is none (`too_many_requests`).
        """
        with self._lock:
            if self._taken[key] >= self._seats_of_key:
                raise self._full(f"{self._seats_of_key} {self._what} by one key", f"{self._setting}_PER_KEY")
            if self._taken.total() >= self._seats:
                raise self._full(f"{self._seats} {self._what}", self._setting)
            self._taken[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]

    @staticmethod
    def _full(most: str, setting: str) -> Refused:
        remedy = f"End one, come again later, or raise FOLIOT_API_{setting}_MAX."
        return Refused(Refusal("too_many_requests", f"more than {most} at a time", "authorization", remedy))


class Ear:
    """Hears of progress in a coroutine; what comes faster than it listens is one piece of news."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._newest: Progress | None = None
        self.ended = False

    def tell(self, progress: Progress | None) -> None:
        """Take news, from any thread; None is the end."""
        # The loop may be closed already, with nobody left in it to hear.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._hear, progress)

    async def hear(self, timeout_s: float) -> Progress | None:
        """Wait for news; give None if there are none within the time, or no more at all (`ended`)."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return None
        if not self.ended:
            self._news.clear()
        return None if self.ended else self._newest

    def _hear(self, progress: Progress | None) -> None:
        self._newest = progress or self._newest
        self.ended = self.ended or progress is None
        self._news.set()


@asynccontextmanager
async def listening(following: Following, shards: AbstractSet[int]) -> AsyncIterator[Ear]:
    """Listen for the progress of shards; the first news come soon."""
    ear = Ear()
    with following.told(shards, ear.tell):
        yield ear


async def passed(following: Following, place: Place, wait_s: float) -> bool:
    """Wait until the cursor has passed a place; tell whether it has within `wait_s`."""
    until = time.monotonic() + wait_s
    left_s = max(wait_s, _LOOK_S)
    async with listening(following, {place.shard}) as ear:
        while left_s > 0 and (progress := await ear.hear(left_s)) is not None:
            reached = progress.shards.get(place.shard)
            if reached is not None and reached.numbers[place.queue] >= place.number:
                return True
            left_s = until - time.monotonic()
    return False
