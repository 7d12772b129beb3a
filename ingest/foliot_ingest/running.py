"""`foliot ingest` and `foliot relay`: processes that run until SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from foliot.cli.addresses import address, read_settings
from foliot.interpreter import collect_seldom, stand_back, take_short_turns
from foliot.logs import configure_logs
from foliot.runtime import find_wake
from foliot.settings import Settings
from foliot.store import crash_point
from foliot_ingest.consumer import ingest
from foliot_ingest.kafka_clients import security
from foliot_ingest.relay import Relay


def ingest_events() -> None:
    """Take events from Kafka into the inbox until SIGTERM or SIGINT, then finish the batch and leave the group."""
    _run(lambda settings, stop: ingest(settings, wake=find_wake(settings), stop=stop))


def relay_messages() -> None:
    """Send the outbox and the changes until SIGTERM or SIGINT."""
    _run(lambda settings, stop: Relay(settings, stop=stop).run())


def _run(work: Callable[[Settings, threading.Event], None]) -> None:
    settings = read_settings()
    address(settings, "kafka")
    address(settings, "dsn_service")
    security(settings)
    configure_logs(settings)
    if settings.crash_at:
        crash_point.arm(settings.crash_at)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        # Whatever hangs, the process is gone after its grace: all that it holds is either committed or undone.
        timer = threading.Timer(settings.grace_s, os._exit, args=(1,))
        timer.daemon = True
        timer.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    stand_back(settings.nice)
    collect_seldom()
    take_short_turns()
    work(settings, stop)
