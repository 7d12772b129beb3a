"""Starting again what has died, ever more slowly while it keeps dying."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from foliot.local.child import Child
from foliot.local.failures import LocalError

_PAUSE_SECONDS_MIN = 0.2
_PAUSE_SECONDS_MAX = 5.0
_STEADY_SECONDS = 10.0

log = structlog.get_logger()


class Kept:
    """A child and how to start it again.

    The pause before a start doubles from 0.2 s to 5 s, and is 0.2 s again after the child has run for 10 s.
    """

    def __init__(self, child: Child, spawn: Callable[[], None], *, restart: bool) -> None:
        self.child = child
        self.restarts = 0
        self.exit_code: int | None = None
        self._spawn = spawn
        self._restart = restart
        self._pause_seconds = _PAUSE_SECONDS_MIN
        self._since = time.monotonic()
        self._due: float | None = None
        self._ended = False

    def look(self) -> bool:
        """Do what is due; tell whether anything has changed."""
        now = time.monotonic()
        if self._due is not None:
            return now >= self._due and self._start_again()
        if self._ended:
            return False
        code = self.child.exit_code()
        if code is None:
            if now - self._since > _STEADY_SECONDS:
                self._pause_seconds = _PAUSE_SECONDS_MIN
            return False
        self.exit_code = code
        if self._restart:
            log.warning("part_died", name=self.child.name, exit_code=code, restart_in_seconds=self._pause_seconds)
            self._put_off(now)
        else:
            log.info("part_ended", name=self.child.name, exit_code=code)
            self._ended = True
        return True

    def due_in_seconds(self, at_most: float) -> float:
        """Tell how long nothing is to be done, if nothing happens."""
        return at_most if self._due is None else min(at_most, self._due - time.monotonic())

    def _start_again(self) -> bool:
        try:
            self._spawn()
        except LocalError as error:
            log.error("part_not_started", name=self.child.name, error=str(error))  # noqa: TRY400 - the text says all
            self._put_off(time.monotonic())
            return True
        self.restarts += 1
        self._since = time.monotonic()
        self._due = None
        log.info("part_restarted", name=self.child.name, pid=self.child.pid, restarts=self.restarts)
        return True

    def _put_off(self, now: float) -> None:
        self._due = now + self._pause_seconds
        self._pause_seconds = min(self._pause_seconds * 2, _PAUSE_SECONDS_MAX)
