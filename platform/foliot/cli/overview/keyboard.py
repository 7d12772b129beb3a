"""Single keys of a terminal, without waiting for a line; the terminal is given back as it was."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self

_KEY_BYTES_MAX = 64


class Keyboard:
    """Reads keys while it is entered; where standard input is no terminal there are none.

    Ctrl-C stays what it is: a signal.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if sys.stdin.isatty():
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """Wait for keys, so many seconds at most, and give what was pressed."""
        watched = [] if self._before is None else [sys.stdin]
        ready, _, _ = select.select(watched, [], [], seconds)
        if not ready:
            return ""
        # Not through the text layer, whose buffer `select` does not see; nothing at all is the terminal's end.
        return os.read(sys.stdin.fileno(), _KEY_BYTES_MAX).decode("utf-8", "replace") or "q"
