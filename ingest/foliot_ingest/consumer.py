"""The ingester: two readers side by side, so that urgent lanes never wait behind a fetch or a batch of the others."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Final

import structlog

from foliot.runtime import Wake
from foliot.settings import Settings
from foliot_ingest.reader import Reader

URGENT_LANES: Final = frozenset((0, 1))
CALM_LANES: Final = frozenset((2, 3))

log = structlog.get_logger(__name__)


def ingest(settings: Settings, *, wake: Wake, stop: threading.Event) -> None:
    """Take records from Kafka into the inbox until `stop` is set, then finish the batch and leave the groups.

    Raises:
        FoliotError: one reader met what no second try can heal; the other has stopped too.
    """
    writer = f"ingest@{socket.gethostname()}:{os.getpid()}"
    log.info("ingest_started", writer=writer)
    readers = [
        Reader(settings, name="urgent", lanes=URGENT_LANES, foreign=False, wake=wake, writer=writer, stop=stop),
        Reader(settings, name="calm", lanes=CALM_LANES, foreign=True, wake=wake, writer=writer, stop=stop),
    ]
    with ThreadPoolExecutor(len(readers), thread_name_prefix="ingest") as threads:
        running = {threads.submit(reader.run) for reader in readers}
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        stop.set()
        wait(running)
    for reader_run in ended:
        reader_run.result()
    log.info("ingest_ended", writer=writer)
