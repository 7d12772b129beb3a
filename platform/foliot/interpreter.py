"""How Python's interpreter and its process are set where events are stepped, taken in or served."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final

_NEW_OBJECTS: Final = 100_000
_YOUNG_ROUNDS: Final = 50
_OLD_ROUNDS: Final = 100
_TURN_S: Final = 0.0005


def collect_seldom() -> None:
    """Keep what is there for ever, and look for cycles once in 100,000 new objects instead of 700.

    Batches are made of tuples and mappings without cycles, which go when nobody names them any more. With Python's own
    thresholds looking through them, and through the cached instances, was a quarter of a worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_ROUNDS, _OLD_ROUNDS)


def take_short_turns() -> None:
    """Let a thread that has something urgent wait half a millisecond for one that computes, instead of five.

    A thread waits for its turn after everything that blocks: a poll, a query, a message on a socket.
    """
    sys.setswitchinterval(_TURN_S)


def stand_back(nice: int) -> None:
    """Let processes that are less nice have a processor first; who is nicer already stays so.

    All threads of a process alike: one that holds the interpreter and waits for a processor keeps the others waiting.
    """
    if nice > os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
