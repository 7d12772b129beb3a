"""Telling workers that a command has made work for them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping

from foliot.runtime import find_wake
from foliot.settings import Settings


def wake(settings: Settings, shards: Mapping[int, bool]) -> None:
    """Wake the workers of shards, after the commit; without a broker they find the work by themselves.

    What is logged on the way goes to standard error: standard output is the answer's.
    """
    if shards:
        with contextlib.redirect_stdout(sys.stderr):
            find_wake(settings).wake(shards)
