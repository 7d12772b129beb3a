"""A page of memory that all processes of one worker share."""

from __future__ import annotations

import mmap
import struct
import time
from typing import Final

_STOPPING: Final = struct.Struct("=q")
_SWEPT: Final = struct.Struct("=d")
_URGENT: Final = struct.Struct("=d")
_STOPPING_AT: Final = 0
_SWEPT_AT: Final = 8
_URGENT_AT: Final = 16


class SharedPage:
    """Tells all children that the end was asked for, who sweeps, and when urgent events last came.

    It is made before the fork. Each field is 8 aligned bytes, written by one store, and times are of the clock that all
    processes of a machine share.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def stopping(self) -> bool:
        """Tell whether the end was asked for."""
        return bool(_STOPPING.unpack_from(self._memory, _STOPPING_AT)[0])

    def stop(self) -> None:
        """Ask all children to claim nothing more."""
        _STOPPING.pack_into(self._memory, _STOPPING_AT, 1)

    def claim_sweep(self, interval_s: float) -> bool:
        """Tell whether nobody began a sweep for `interval_s`, and note that the caller does now.

        Two may be told so at the same moment; a sweep that runs twice does no harm.
        """
        now = time.monotonic()
        if now - _SWEPT.unpack_from(self._memory, _SWEPT_AT)[0] < interval_s:
            return False
        _SWEPT.pack_into(self._memory, _SWEPT_AT, now)
        return True

    def note_urgent(self) -> None:
        """Note that a wake-up for urgent events has come."""
        _URGENT.pack_into(self._memory, _URGENT_AT, time.monotonic())

    def urgent_within(self, seconds: float) -> bool:
        """Tell whether one came in the last `seconds`."""
        return time.monotonic() - float(_URGENT.unpack_from(self._memory, _URGENT_AT)[0]) < seconds
