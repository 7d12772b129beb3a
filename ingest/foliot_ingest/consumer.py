"""The ingester: two readers side by side, so that urgent lanes never wait behind a fetch or a batch of the others."""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Final

import structlog

from foliot.runtime import Wake
from foliot.settings import Settings
from foliot_ingest.reader import Reader
from foliot_ingest.urgency import CALM_LANES, URGENT_LANES, UrgentTraffic

_LOOK_S: Final = 1.0

log = structlog.get_logger(__name__)


class Watchdog:
    """Counts looks without progress, not seconds: a process that was frozen as a whole has not hung."""

    def __init__(self, readers: int, looks_max: int) -> None:
        self._looks_max = looks_max
        self._turns = [-1] * readers
        self._looks = [0] * readers

    def hung(self, turns: Sequence[int]) -> bool:
        """Take in how often each reader has turned so far; tell whether one has not for too many looks."""
        self._looks = [
            looks + 1 if now == before else 0
            for looks, now, before in zip(self._looks, turns, self._turns, strict=True)
        ]
        self._turns = list(turns)
        return max(self._looks) >= self._looks_max


def ingest(settings: Settings, *, wake: Wake, stop: threading.Event) -> None:
    """Take records from Kafka into the inbox until `stop` is set, then finish the batch and leave the groups.

    A reader that hangs ends the process, with a trace of all threads on stderr: whoever watches over it starts another.

    Raises:
        FoliotError: one reader met what no second try can heal; the other has stopped too.
    """
    writer = f"ingest@{socket.gethostname()}:{os.getpid()}"
    log.info("ingest_started", writer=writer)
    reader = partial(Reader, settings, wake=wake, writer=writer, stop=stop, traffic=UrgentTraffic())
    readers = [
        reader(name="urgent", lanes=URGENT_LANES, foreign=False),
        reader(name="calm", lanes=CALM_LANES, foreign=True),
    ]
    with ThreadPoolExecutor(len(readers), thread_name_prefix="ingest") as threads:
        running = {threads.submit(reader.run) for reader in readers}
        ended = _first_end(running, readers, Watchdog(len(readers), int(settings.ingest_watchdog_s / _LOOK_S)))
        stop.set()
        wait(running)
    for reader_run in ended:
        reader_run.result()
    log.info("ingest_ended", writer=writer)


def _first_end(running: set[Future[None]], readers: Sequence[Reader], watchdog: Watchdog) -> set[Future[None]]:
    while not (ended := wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED).done):
        if watchdog.hung([reader.turns for reader in readers]):
            log.error("ingest_hangs", turns={reader.name: reader.turns for reader in readers})
            faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr)
            os._exit(1)
    return ended
