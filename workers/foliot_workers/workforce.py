"""The parent of a worker's processes: starts them, starts again what has died, and ends them all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkProcess
from typing import Final

import structlog

from foliot.settings import Settings
from foliot_workers.app import LaneClass
from foliot_workers.lifeline import child_count
from foliot_workers.page import SharedPage
from foliot_workers.process import Job, run_job

log = structlog.get_logger(__name__)

_LOOK_S: Final = 0.1
_PAUSE_S_MIN: Final = 0.2
_PAUSE_S_MAX: Final = 5.0
_STEADY_S: Final = 10.0
_SHORT_S_MAX: Final = 5.0
"""How long a Celery process may lack children. It replaces dead ones at once, but not while it looks for its broker."""
_BEGIN_S_MAX: Final = 60.0
"""How long a new one may lack them."""
_KILLED_S_MAX: Final = 5.0
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Hand:
    """One process of a worker, started again whenever it ends, ever more slowly while it keeps ending.

    It is a fork of this process, which has imported all that it needs and opened nothing: it begins at once.
    """

    def __init__(self, name: str, job: Job, run: Callable[[Job], None]) -> None:
        self.name = name
        self._job = job
        self._run = run
        self._process: ForkProcess | None = None
        self._pause_s = _PAUSE_S_MIN
        self._started = 0.0
        self._due = 0.0
        self._whole_at: float | None = None

    def look(self, grace_s: float) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._due:
                self._start(now)
        elif self._process.exitcode is not None:
            log.warning("process_ended", name=self.name, exit_code=self._process.exitcode, restart_in_s=self._pause_s)
            self._process = None
            self._due = now + self._pause_s
            self._pause_s = min(self._pause_s * 2, _PAUSE_S_MAX)
        else:
            if now - self._started > _STEADY_S:
                self._pause_s = _PAUSE_S_MIN
            self._count(self._process, now, grace_s)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self._process.exitcode is None and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def wait(self, seconds_max: float) -> None:
        """Wait for its end, and kill it when the time is up; its children die with it."""
        if self._process is None:
            return
        self._process.join(max(seconds_max, 0.0))
        if self._process.exitcode is None:
            log.warning("process_killed", name=self.name, pid=self._process.pid)
            self._process.kill()
            self._process.join(_KILLED_S_MAX)

    def _start(self, now: float) -> None:
        self._process = multiprocessing.get_context("fork").Process(target=self._run, args=(self._job,))
        # Until the new process has handlers of its own, those of this one would swallow its signals.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        self._started = now
        self._whole_at = None
        log.info("process_started", name=self.name, pid=self._process.pid)

    def _count(self, process: ForkProcess, now: float, grace_s: float) -> None:
        count = None if process.pid is None else child_count(process.pid)
        if self._job.children is None or count is None or count >= self._job.children:
            self._whole_at = now
            return
        patience_s = _BEGIN_S_MAX if self._whole_at is None else _SHORT_S_MAX
        if now - (self._whole_at or self._started) > patience_s:
            log.warning("children_missing", name=self.name, pid=process.pid, count=count)
            self.tell(signal.SIGTERM)
            self.wait(grace_s)


def run_workforce(settings: Settings, *, children: int, urgent_children: int, broker: bool) -> None:
    """Run a worker until SIGTERM or SIGINT; within the grace time after it nothing of it is left.

    Call it in the main thread, with nothing open: the processes are forks, and the kernel ends them with this thread.
    """
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _ENDING}
    page = SharedPage()
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


def _hands(settings: Settings, page: SharedPage, counts: Mapping[LaneClass, int], *, broker: bool) -> list[Hand]:
    parent = os.getpid()

    def run(job: Job) -> None:
        run_job(job, settings, page, parent)

    hands = []
    for lane_class, count in counts.items():
        if broker:
            hands.append(Hand(lane_class, Job(lane_class, count), run))
        else:
            hands.extend(Hand(f"{lane_class}-{number}", Job(lane_class, None), run) for number in range(count))
    return hands


def _end(hands: list[Hand], grace_s: float) -> None:
    until = time.monotonic() + grace_s
    for hand in hands:
        hand.tell(signal.SIGTERM)
        # One that was frozen gets the signal above only when it goes on.
        hand.tell(signal.SIGCONT)
    for hand in hands:
        hand.wait(until - time.monotonic())
