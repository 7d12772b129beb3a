"""Which lanes are urgent, and whether something came a moment ago that must not wait for long."""

from __future__ import annotations

import math
import time
from typing import Final

from foliot.cloudevents import LANES
from foliot.runtime import BRIEF_S, is_urgent, queue_of

URGENT_LANES: Final = frozenset(lane for lane in range(len(LANES)) if is_urgent(queue_of(lane)))
CALM_LANES: Final = frozenset(range(len(LANES))) - URGENT_LANES


class UrgentTraffic:
    """When urgent records, or events through a front door, last came: other records are taken in brief batches then.

    A batch holds the heads of its shards until its commit. An urgent event for one of them waits for that, and so does
    the caller of a front door.
    """

    def __init__(self) -> None:
        self._at = -math.inf

    def note(self) -> None:
        """Note that some came."""
        self._at = time.monotonic()

    def recent(self) -> bool:
        """Tell whether some came a moment ago."""
        return time.monotonic() - self._at < BRIEF_S
