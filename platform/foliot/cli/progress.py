"""How far a long call is: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self

_PATIENCE_S: Final = 1.0
_REFRESH_S: Final = 0.1
_CELLS: Final = 20


class Progress:
    """Tells it on standard error, once the call has taken a second; the line goes away at the end."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._next_at = time.monotonic() + _PATIENCE_S
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def tell(self, done: int, total: int | None) -> None:
        """Say that `done` of `total` are done, or just how many where nobody knows of how many."""
        now = time.monotonic()
        if now >= self._next_at and sys.stderr.isatty():
            self._next_at = now + _REFRESH_S
            self._shown = True
            sys.stderr.write(f"\r\x1b[K{self._doing} {_bar(done, total)}")
            sys.stderr.flush()


def _bar(done: int, total: int | None) -> str:
    if total is None:
        return f"{done:,}"
    cells = _CELLS * done // max(1, total)
    return f"[{'#' * cells:-<{_CELLS}}] {done:,} of {total:,}"
