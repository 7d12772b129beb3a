"""How Python's cyclic garbage collector runs in processes that step or take in events."""

from __future__ import annotations

import gc
from typing import Final

_NEW_OBJECTS: Final = 100_000
_YOUNG_ROUNDS: Final = 50
_OLD_ROUNDS: Final = 100


def collect_seldom() -> None:
    """Keep what is there for ever, and look for cycles once in 100,000 new objects instead of 700.

    Batches are made of tuples and mappings without cycles, which go when nobody names them any more. With Python's own
    thresholds looking through them, and through the cached instances, was a quarter of a worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_ROUNDS, _OLD_ROUNDS)
