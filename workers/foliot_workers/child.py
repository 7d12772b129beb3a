"""What lives in one child: a stepper, and the threads that go on when no message comes."""

from __future__ import annotations

import os
import random
import resource
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog

from foliot.errors import FoliotError
from foliot.interpreter import collect_seldom
from foliot.runtime import BRIEF_S, Stepped, Stepper, rest_s, sweep
from foliot.settings import Settings
from foliot.store import Connection, connect, crash_point, discard
from foliot_workers.app import LaneClass
from foliot_workers.page import SharedPage
from foliot_workers.waking import CeleryWake, Unwoken
from foliot_workers.watchdog import Watchdog

log = structlog.get_logger(__name__)

_PAUSE_S_MIN: Final = 0.02
_PAUSE_S_MAX: Final = 1.0
_WATCH_S: Final = 0.5
"""How often a thread that waits looks whether the end was asked for."""
_STEAL_MARGIN_S: Final = 0.005
_CLOSE_S_MAX: Final = 2.0
_LEFT_S: Final = 0.05
"""How soon a bulk child looks again at what it left to urgent ones."""


class Patience:
    """Pauses that double while trouble lasts, each of random length, so that children do not return as one."""

    def __init__(self) -> None:
        self._pause_s = _PAUSE_S_MIN

    def next_pause_s(self) -> float:
        """Tell how long to wait after one more trouble."""
        pause_s = self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
        self._pause_s = min(self._pause_s * 2, _PAUSE_S_MAX)
        return pause_s

    def reset(self) -> None:
        """Begin with short pauses again: something went well."""
        self._pause_s = _PAUSE_S_MIN


class Child:
    """Steps and sweeps in one process, which must not fork once this is opened.

    Celery's task (main thread) and the poller share the stepper, one drain at a time. A bulk child sweeps too, when no
    other has for an interval, on a connection and a thread of its own: no backlog and no lost broker delays timers.
    """

    def __init__(
        self, settings: Settings, *, lane_class: LaneClass, page: SharedPage, wake_ups: CeleryWake | Unwoken
    ) -> None:
        writer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._settings = settings
        self._lane_class = lane_class
        self._page = page
        self._wake_ups = wake_ups
        self._stepper = Stepper(settings, writer=writer)
        self._watchdog = Watchdog(settings.step_watchdog_s)
        self._stepping = threading.Lock()
        self._stepping_patience = Patience()
        self._sweeping = threading.Lock()
        self._sweeping_patience = Patience()
        self._sweep_connection: Connection | None = None
        self._stop = threading.Event()
        self._bell = threading.Event()
        self._look_at = time.monotonic()

    @property
    def stopping(self) -> bool:
        """Tell whether nothing more may be claimed."""
        return self._stop.is_set() or self._page.stopping

    def open(self) -> None:
        """Start the threads. The first look at the inbox is now: its wake-ups may have been lost with another child."""
        if self._settings.crash_at:
            crash_point.arm(self._settings.crash_at)
        collect_seldom()
        self._watchdog.start()
        threading.Thread(target=self._poll, name="poller", daemon=True).start()
        if self._lane_class == "bulk":
            threading.Thread(target=self._sweep_again_and_again, name="sweeper", daemon=True).start()

    def close(self) -> None:
        """Claim nothing more, let the running batch end within the grace time, and close the connections.

        A batch that takes longer is rolled back by the server when this process is gone.
        """
        self._stop.set()
        self._bell.set()
        if self._stepping.acquire(timeout=self._settings.grace_s):
            self._watchdog.stop()
            self._stepper.close()
        if self._sweeping.acquire(timeout=_CLOSE_S_MAX):
            self._drop_sweep_connection()

    def answer(self, shards: Sequence[int] = ()) -> None:
        """Do what a wake-up asks for: step `shards`, if it names some, and whatever else waits, for a while.

        The child looks once more soon after, since a shard that another child had a moment ago is left to it at first.
        If work is left then, it asks for more of the same. An urgent child passes the wake-up on: the shards that it
        was woken for may have work of other lanes too.
        """
        if self._lane_class == "urgent":
            self._page.note_urgent()
        # Whoever holds the stepper, this child's poller, looks at all shards anyway.
        if shards and not self.stopping and self._stepping.acquire(blocking=False):
            try:
                self._step(shards)
            finally:
                self._stepping.release()
        # Before all shards are looked at: who commits after that look sends a message of his own.
        self._wake_ups.clear(self._lane_class)
        with self._stepping:
            more = self._drain()
            self._look_at = time.monotonic() + self._settings.steal_after_ms / 1000 + _STEAL_MARGIN_S
        self._bell.set()
        if self.stopping:
            return
        if self._lane_class == "urgent":
            self._wake_ups.post(("bulk",))
        if more:
            self._wake_ups.post((self._lane_class,))

    def sweep(self) -> None:
        """Sweep once."""
        with self._sweeping:
            if self.stopping:
                return
            try:
                if self._sweep_connection is None:
                    name = f"foliot-sweep {os.getpid()}"
                    self._sweep_connection = connect(self._settings.dsn_service, application=name)
                sweep(self._sweep_connection, self._settings, self._wake_ups)
            except Exception as error:  # noqa: BLE001 - this thread is the only one that fires timers
                _report("sweep_failed", error)
                self._drop_sweep_connection()
                self._stop.wait(self._sweeping_patience.next_pause_s())
            else:
                self._sweeping_patience.reset()

    def _drain(self) -> bool:
        """Step until nothing is left, the time is up or the end is asked for; tell whether work may be left."""
        until = time.monotonic() + self._settings.step_task_ms / 1000
        batches = 0
        while not self.stopping and time.monotonic() < until:
            stepped = self._step()
            if stepped is None or (stepped.shards and not stepped.events):
                self._stop.wait(self._stepping_patience.next_pause_s())
            elif stepped.events:
                self._stepping_patience.reset()
                batches += 1
                if batches == 2:
                    # One batch was not enough: another child may help.
                    self._wake_ups.post((self._lane_class,))
                self._rest_after(stepped)
            else:
                return False
        return True

    def _rest_after(self, stepped: Stepped) -> None:
        """Let something gather, unless nobody else is there for the urgent lanes."""
        if self._lane_class == "bulk" and self._settings.urgent_children:
            self._stop.wait(rest_s(stepped.seconds, had_room=stepped.had_room))

    def _step(self, shards: Sequence[int] = ()) -> Stepped | None:
        """Step one batch; None after trouble, which was logged."""
        self._watchdog.begin()
        try:
            is_brief = self._lane_class == "bulk" and self._page.urgent_within(BRIEF_S)
            return self._stepper.run_batch(shards, role=self._lane_class, is_brief=is_brief)
        except Exception as error:  # noqa: BLE001 - the events are still there, and others can be stepped
            _report("batch_failed", error)
            return None
        finally:
            self._watchdog.end()

    def _poll(self) -> None:
        with self._stepping:
            self._stepper.rehearse()
        while not self.stopping:
            pause_s = self._look_at - time.monotonic()
            if pause_s > 0:
                self._bell.wait(min(pause_s, _WATCH_S))
                self._bell.clear()
                continue
            with self._stepping:
                more = self._drain()
                self._look_at = time.monotonic() + (0 if more else self._rest_s())
            self._leave_if_too_big()

    def _rest_s(self) -> float:
        """Tell how long nothing is to be looked for: not long where work was left to urgent children."""
        rest_s = self._settings.poll_ms / 1000
        return min(rest_s, _LEFT_S) if self._stepper.leaves_work else rest_s

    def _sweep_again_and_again(self) -> None:
        interval_s = self._settings.sweep_ms / 1000
        while not self._stop.wait(interval_s / 2):
            if self._page.claim_sweep(interval_s):
                self.sweep()

    def _leave_if_too_big(self) -> None:
        """End this process if it has grown beyond its limit; Celery looks only after a task, and none may come."""
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if peak_mb > self._settings.child_memory_max_mb:
            log.warning("child_too_big", peak_mb=peak_mb, limit_mb=self._settings.child_memory_max_mb)
            self.close()
            os._exit(0)

    def _drop_sweep_connection(self) -> None:
        if self._sweep_connection is not None:
            discard(self._sweep_connection)
            self._sweep_connection = None


def _report(event: str, error: Exception) -> None:
    if isinstance(error, FoliotError) and error.retryable:
        log.warning(event, error=str(error))
    else:
        log.error(event, error=str(error), exc_info=error)
