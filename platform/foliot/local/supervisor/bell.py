"""Signals as something to wait for."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Bell:
    """Rings when a child has ended or somebody asks for the end; as a context manager, in the main thread.

    `stopping` becomes true with the first SIGTERM or SIGINT.
    """

    def __init__(self) -> None:
        self.stopping = False

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._before = {number: signal.signal(number, self._note) for number in _WATCHED}
        self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def is_stopping(self) -> bool:
        """Tell whether somebody has asked for the end."""
        return self.stopping

    def wait(self, seconds_max: float) -> None:
        """Wait for a ring, or for the time to pass."""
        ready, _, _ = select.select([self._reader], [], [], max(seconds_max, 0.0))
        if ready:
            os.read(self._reader, 4096)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.stopping = True
