"""The parent of a worker's processes: starts them, starts again what has died, and ends them all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from foliot.settings import Settings
from foliot_workers.app import LaneClass
from foliot_workers.lifeline import child_count
from foliot_workers.page import SharedPage
from foliot_workers.process import Job

log = structlog.get_logger(__name__)

_LOOK_S: Final = 0.1
_PAUSE_S_MIN: Final = 0.2
_PAUSE_S_MAX: Final = 5.0
_STEADY_S: Final = 10.0
_SHORT_S_MAX: Final = 3.0
"""How long a Celery process may lack children. It replaces dead ones at once, but not while it looks for its broker."""


class Hand:
    """One process of a worker, started again whenever it ends, ever more slowly while it keeps ending."""

    def __init__(self, name: str, job: Job, environment: Mapping[str, str]) -> None:
        self.name = name
        self._job = job
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._pause_s = _PAUSE_S_MIN
        self._started = 0.0
        self._due = 0.0
        self._whole_at = 0.0

    def look(self, grace_s: float) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._due:
                self._start(now)
            return
        code = self._process.poll()
        if code is not None:
            log.warning("process_ended", name=self.name, exit_code=code, restart_in_s=self._pause_s)
            self._process = None
            self._due = now + self._pause_s
            self._pause_s = min(self._pause_s * 2, _PAUSE_S_MAX)
            return
        if now - self._started > _STEADY_S:
            self._pause_s = _PAUSE_S_MIN
        if not self._is_whole():
            if now - self._whole_at > _SHORT_S_MAX + (_STEADY_S if self._whole_at == self._started else 0):
                log.warning("children_missing", name=self.name, pid=self._process.pid)
                self.tell(signal.SIGTERM)
                self.wait(grace_s)
        else:
            self._whole_at = now

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, seconds_max: float) -> None:
        """Wait for its end, and kill it when the time is up; its children die with it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(seconds_max, 0.0))
        except subprocess.TimeoutExpired:
            log.warning("process_killed", name=self.name, pid=self._process.pid)
            self._process.kill()
            self._process.wait()

    def _start(self, now: float) -> None:
        # A session of its own: Ctrl-C in a terminal reaches the parent alone, which then ends its processes in order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "foliot_workers.process", self._job.model_dump_json()],
            env=self._environment,
            pass_fds=[self._job.page],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started = self._whole_at = now
        log.info("process_started", name=self.name, pid=self._process.pid)

    def _is_whole(self) -> bool:
        if self._job.children is None or self._process is None:
            return True
        count = child_count(self._process.pid)
        return count is None or count >= self._job.children


def run_workforce(settings: Settings, *, children: int, urgent_children: int, broker: bool) -> None:
    """Run a worker until SIGTERM or SIGINT; within the grace time after it nothing of it is left.

    Call it in the main thread: the kernel ends the processes with the thread that made them.
    """
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    with contextlib.closing(SharedPage.make()) as page:
        hands = _hands(settings, page, {"bulk": children, "urgent": urgent_children}, broker=broker)
        try:
            while not stop.is_set():
                for hand in hands:
                    hand.look(settings.grace_s)
                stop.wait(_LOOK_S)
        finally:
            page.stop()
            _end(hands, settings.grace_s)
            for number, handler in before.items():
                signal.signal(number, handler)


def environment_of(settings: Settings) -> dict[str, str]:
    """Write settings as the environment from which a process reads the same ones."""
    return {f"FOLIOT_{name.upper()}": _text(value) for name, value in settings.model_dump().items()}


def _hands(settings: Settings, page: SharedPage, counts: Mapping[LaneClass, int], *, broker: bool) -> list[Hand]:
    environment = {**os.environ, **environment_of(settings)}
    hands = []
    for lane_class, count in counts.items():
        job = Job(lane_class=lane_class, children=count, page=page.descriptor, parent=os.getpid())
        if broker:
            hands.append(Hand(lane_class, job, environment))
        else:
            alone = job.model_copy(update={"children": None})
            hands.extend(Hand(f"{lane_class}-{number}", alone, environment) for number in range(count))
    return hands


def _end(hands: list[Hand], grace_s: float) -> None:
    until = time.monotonic() + grace_s
    for hand in hands:
        hand.tell(signal.SIGTERM)
        # One that was frozen gets the signal above only when it goes on.
        hand.tell(signal.SIGCONT)
    for hand in hands:
        hand.wait(until - time.monotonic())


def _text(value: object) -> str:
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return str(value)
