"""Which lanes must wait while the inbox is too full. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from foliot.cloudevents import LANES

RESUME_AT: Final = 0.8
"""A paused lane goes on when depth and age are below this share of what had paused it: no flapping."""
DEPTH_FACTORS: Final = (2.5, 2.0, 1.5, 1.0)
"""By lane: how many times the permitted depth pauses it. Low lanes wait first, urgent ones only at twice the depth."""
AGE_FACTORS: Final = (None, None, 1.5, 1.0)
"""By lane: how many times the permitted age; urgent lanes never wait because others are old."""


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """What waits in one lane: events, and the seconds for which its slowest shard has stood still."""

    lane: int
    waiting: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Backpressure:
    """The limits of the inbox."""

    depth_max: int
    age_s_max: float

    def paused(self, depths: Iterable[LaneDepth], before: frozenset[int]) -> frozenset[int]:
        """Tell the lanes that must wait now, given those that waited before."""
        by_lane = list(depths)
        waiting = sum(depth.waiting for depth in by_lane)
        age_s = max((depth.age_s for depth in by_lane), default=0.0)
        return frozenset(lane for lane in range(len(LANES)) if self._waits(lane, waiting, age_s, lane in before))

    def _waits(self, lane: int, waiting: int, age_s: float, waited: bool) -> bool:  # noqa: FBT001 - a state, not an option
        share = RESUME_AT if waited else 1.0
        age_factor = AGE_FACTORS[lane]
        too_deep = waiting > self.depth_max * DEPTH_FACTORS[lane] * share
        return too_deep or (age_factor is not None and age_s > self.age_s_max * age_factor * share)
