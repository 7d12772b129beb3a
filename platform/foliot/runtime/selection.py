"""Which shards a batch takes, and how many events of each queue. Pure: its promises are tested as properties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from foliot.runtime.addresses import is_urgent

CALM_FEW: Final = 2
"""Events of each other queue that an urgent child's batch takes along: every queue that waits gets its share."""
URGENT_FEW_MAX: Final = 64
"""Urgent events of a shard that one batch of an urgent child does in no time."""
_REST_S_MAX: Final = 0.05
BRIEF_S: Final = 1.0
"""So long after something came that must not wait, the batches of the others are brief, in intake and step."""


@dataclass(frozen=True, slots=True)
class ShardWork:
    """A shard that has work: how many events wait in each queue, who wrote it last and how long ago."""

    shard: int
    waiting: tuple[int, ...]
    writer: str
    idle_ms: float

    @property
    def urgent(self) -> int:
        """Count the critical and high events that wait."""
        return sum(count for queue, count in enumerate(self.waiting) if is_urgent(queue))

    @property
    def few_urgent(self) -> bool:
        """Tell whether urgent events wait, and so few that an urgent child does them at once."""
        return 0 < self.urgent <= URGENT_FEW_MAX


def has_room(taken: int, most: int) -> bool:
    """Tell whether a batch could have taken as many again."""
    return 2 * taken <= most


def rest_s(seconds: float, *, had_room: bool) -> float:
    """Tell how long to rest after a batch that took `seconds`, in intake and step of lanes that are not urgent.

    A batch costs much the same whatever is in it: where it had room for as many again, what comes meanwhile shares the
    cost of the next one. Who is behind does not rest.
    """
    return min(_REST_S_MAX, seconds) if had_room else 0.0


def brief(most: int) -> int:
    """Tell how much a brief batch takes of what is usual: it holds shards that somebody else may wait for."""
    return max(1, most // 4)


class Deference:
    """Leaves the shards with a few urgent events to the urgent children, whose batches are short, for a while.

    A shard is left for `seconds` at a time and then taken once, so that nothing waits for urgent children that are gone
    and no lane starves beside a steady trickle of urgent events.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[int, float] = {}

    @property
    def has_left(self) -> bool:
        """Tell whether the last look left something."""
        return bool(self._since)

    def without_left(self, work: Iterable[ShardWork], now: float) -> list[ShardWork]:
        """Give the shards to choose from; `now` is in seconds of any clock that only grows."""
        before, self._since = self._since, {}
        candidates = []
        for shard in work:
            since = before.get(shard.shard, now)
            if shard.few_urgent and now - since < self._seconds:
                self._since[shard.shard] = since
            else:
                candidates.append(shard)
        return candidates


def choose_shards(
    work: Iterable[ShardWork], *, capacity: int, writer: str, steal_after_ms: float, urgent_only: bool
) -> list[int]:
    """Pick shards until they hold `capacity` events: urgent work first, then this writer's own, then the idlest.

    Another writer's shard is left alone until it has been idle for `steal_after_ms`, but by an urgent child that finds
    a few urgent events there. The result is sorted: that is the order in which cursor rows are locked.
    """
    candidates = [
        shard
        for shard in work
        if (shard.urgent or not urgent_only)
        and (
            shard.writer == writer
            or not shard.writer
            or shard.idle_ms >= steal_after_ms
            or (urgent_only and shard.few_urgent)
        )
    ]
    candidates.sort(key=lambda shard: (not shard.urgent, shard.writer != writer, -shard.idle_ms, shard.shard))
    chosen: list[int] = []
    events = 0
    for shard in candidates:
        if events >= capacity:
            break
        chosen.append(shard.shard)
        events += max(1, shard.urgent if urgent_only else sum(shard.waiting))
    return sorted(chosen)


def allot(waiting: Sequence[int], *, capacity: int, share: float) -> tuple[int, ...]:
    """Tell how many events to take of each queue: each that has work gets its share, the rest goes by lane order.

    With `capacity` 1 it is exactly one event, of the most urgent queue.
    """
    if capacity <= 1:
        first = next((queue for queue, count in enumerate(waiting) if count), None)
        return tuple(int(queue == first) for queue in range(len(waiting)))
    least = max(1, int(capacity * share))
    taken = [min(count, least) for count in waiting]
    left = capacity - sum(taken)
    for queue, count in enumerate(waiting):
        more = max(0, min(count - taken[queue], left))
        taken[queue] += more
        left -= more
    return tuple(taken)
