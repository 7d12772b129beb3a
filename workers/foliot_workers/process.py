"""One process of a worker: Celery with its children, or a child alone that polls."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from billiard import pool as billiard_pool
from celery import signals
from celery.apps.worker import Worker
from celery.concurrency.prefork import TaskPool
from celery.exceptions import SecurityWarning

from foliot.runtime import SHARDS_MAX
from foliot.settings import Settings
from foliot_workers.app import STEP_QUEUES, STEP_TASK, SWEEP_QUEUE, SWEEP_TASK, LaneClass, make_app
from foliot_workers.child import Child
from foliot_workers.lifeline import call_process, die_with
from foliot_workers.page import SharedPage
from foliot_workers.waking import SHARDS_NAMED_MAX, CeleryWake, Unwoken

_HEARD_LOOKS_MAX: Final = 5
"""How often, a tenth of a second apart, a child that ends looks whether its last answer was read.

Celery has it look for 30 s, and reads no answer of a child that had not yet told that it took the task when the end was
asked for: such an end took longer than the grace time. Nobody needs the answer to a wake-up.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process of a worker is to be. `children` are those that Celery forks; None: it is a child itself."""

    lane_class: LaneClass
    children: int | None


class Children:
    """Opens a `Child` in each process that Celery forks; before the fork nothing is open."""

    def __init__(self, settings: Settings, lane_class: LaneClass, page: SharedPage) -> None:
        self._settings = settings
        self._lane_class = lane_class
        self._page = page
        self._parent = os.getpid()
        self._child: Child | None = None

    def open(self, **_: Any) -> None:
        """Open the one of this process (Celery: worker_process_init)."""
        die_with(self._parent)
        self._child = Child(
            self._settings, lane_class=self._lane_class, page=self._page, wake_ups=CeleryWake(self._settings)
        )
        self._child.open()

    def close(self, **_: Any) -> None:
        """Close it (Celery: worker_process_shutdown)."""
        if self._child is not None:
            self._child.close()

    def step(self, shards: Sequence[int] = ()) -> None:
        """Be the task behind the wake-ups. Numbers that no shard has are left out: Postgres would refuse them."""
        if self._child is not None:
            self._child.answer(tuple(shard for shard in shards[:SHARDS_NAMED_MAX] if 0 <= shard < SHARDS_MAX))

    def sweep(self) -> None:
        """Be the task for whoever wants a sweep now."""
        if self._child is not None:
            self._child.sweep()


def run_job(job: Job, settings: Settings, page: SharedPage, parent: int) -> None:
    """Be the process: run until SIGTERM, then exit. Its first act after the fork lets go of what was the parent's."""
    die_with(parent)
    call_process(f"foliot-{job.lane_class}")
    # A session of its own: Ctrl-C in a terminal reaches the parent alone, which then ends its processes in order.
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    # Log lines go to standard error; on the other Celery says good-bye in words of its own.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if job.children is None:
        _poll(settings, job.lane_class, page)
    else:
        sys.exit(_serve(settings, job.lane_class, page, job.children))


def _serve(settings: Settings, lane_class: LaneClass, page: SharedPage, count: int) -> int:
    app = make_app(settings)
    children = Children(settings, lane_class, page)
    app.task(name=STEP_TASK)(children.step)
    app.task(name=SWEEP_TASK)(children.sweep)
    billiard_pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = _HEARD_LOOKS_MAX
    # It tells root to beware of pickled messages; ours are JSON and nothing else is taken.
    warnings.simplefilter("ignore", SecurityWarning)
    signals.setup_logging.connect(_leave_logging_alone, weak=False)
    signals.worker_process_init.connect(children.open, weak=False)
    signals.worker_process_shutdown.connect(children.close, weak=False)
    # Bulk children are told of urgent work by a message of their own: were they to take those of the urgent queue, one
    # could wait in a busy child's hand while an urgent child is idle.
    queues = [STEP_QUEUES[lane_class]] + ([SWEEP_QUEUE] if lane_class == "bulk" else [])
    worker = Worker(
        app=app,
        hostname=f"{lane_class}-{os.getpid()}@{socket.gethostname()}",
        queues=queues,
        concurrency=count,
        pool=TaskPool,
        optimization="fair",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel=settings.log_level.upper(),
    )
    worker.start()
    return int(worker.exitcode or 0)


def _poll(settings: Settings, lane_class: LaneClass, page: SharedPage) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    child = Child(settings, lane_class=lane_class, page=page, wake_ups=Unwoken())
    child.open()
    stop.wait()
    child.close()


def _leave_logging_alone(**_: Any) -> None:
    """Keep Celery from setting up logging of its own: it does not where somebody listens to this signal."""
