"""Which lanes are urgent, and whether something of them came a moment ago."""

from __future__ import annotations

import math
import time
from typing import Final

URGENT_LANES: Final = frozenset((0, 1))
CALM_LANES: Final = frozenset((2, 3))
_RECENT_S: Final = 1.0


class UrgentTraffic:
    """When urgent records last came: their reader notes it, and the other one then takes short batches.

    A batch holds the heads of its shards until its commit, and an urgent event for one of them waits for that.
    """

    def __init__(self) -> None:
        self._at = -math.inf

    def note(self) -> None:
        """Note that some came."""
        self._at = time.monotonic()

    def recent(self) -> bool:
        """Tell whether some came a moment ago."""
        return time.monotonic() - self._at < _RECENT_S
