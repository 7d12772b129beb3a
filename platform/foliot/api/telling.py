"""Tells the workers what has come in, beside the taking in: a message to them may last as long as a commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog

from foliot.runtime import Wake

log = structlog.get_logger(__name__)

_REST_S: Final = 0.005
"""From one message to the next; what has come in meanwhile is told by one. Whoever comes alone is told of at once."""


class Teller:
    """One thread, which hands shards with work to `wake`."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._changed = threading.Condition()
        self._untold: dict[int, bool] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """End after what was handed over."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=grace_s)

    def tell(self, shards: Mapping[int, bool]) -> None:
        """Hand over shards that have work, each with whether some of it is critical or high."""
        with self._changed:
            for shard, urgent in shards.items():
                self._untold[shard] = self._untold.get(shard, False) or urgent
            self._changed.notify()

    def _run(self) -> None:
        while shards := self._next():
            try:
                self._wake.wake(shards)
            except Exception as error:  # noqa: BLE001 - an installed one that breaks its promise must not end the thread
                log.warning("wake_up_not_sent", error=str(error))
            time.sleep(_REST_S)

    def _next(self) -> Mapping[int, bool]:
        """Wait for shards; none says that this is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._untold or self._stopped)
            shards, self._untold = self._untold, {}
        return shards
