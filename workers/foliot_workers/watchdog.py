"""Ends a process whose batch hangs: its events are still there, and another child steps them."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from typing import Final

_LOOKS: Final = 4
"""How often in the time of one batch it is looked whether that is over."""


class Watchdog:
    """Ends this process, with a trace of all threads on standard error, when a batch takes longer than `seconds`.

    A thread of C does it, which needs no GIL: native code that holds the GIL is ended after `seconds`. A thread of
    Python puts the end off while no batch is overdue; a batch that hangs in Python is ended after twice the time. To
    begin and to end a batch costs nothing: a thread of C for each was a tenth of a busy child's time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._put_off()
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stop.set()
        # After the thread, which would arm it again.
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def begin(self) -> None:
        """Say that a batch begins."""
        self._since = time.monotonic()

    def end(self) -> None:
        """Say that it is over."""
        self._since = None

    def _watch(self) -> None:
        while not self._stop.wait(self._seconds / _LOOKS):
            since = self._since
            if since is None or time.monotonic() - since < self._seconds:
                self._put_off()

    def _put_off(self) -> None:
        if not self._stop.is_set():
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=sys.__stderr__ or sys.stderr)
