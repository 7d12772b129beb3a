"""A process with one stepper and nothing around it: `lone_stepper.py [EVENT-ID]` dies whenever it steps that event.

A worker's children share their shards; here a scenario decides who steps.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any, Final

from foliot.errors import FoliotError
from foliot.runtime import Stepper, batch
from foliot.settings import Settings

_PAUSE_S: Final = 0.005


def main(fatal_event: str | None) -> None:
    """Step until SIGTERM."""
    if fatal_event is not None:
        _be_fragile(fatal_event)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stepper = Stepper(Settings(), writer=f"lone-{os.getpid()}")
    while not stop.is_set():
        try:
            stepped = stepper.run_batch()
        except FoliotError as error:
            if not error.retryable:
                raise
            stop.wait(_PAUSE_S * 10)
        else:
            if not stepped.events:
                stop.wait(_PAUSE_S)
    stepper.close()


def _be_fragile(fatal_event: str) -> None:
    """Die as a crash in native code would do it."""
    step = vars(batch)["step"]

    def fragile(machine: Any, state: Any, event: Any, now: int) -> Any:
        if event.id == fatal_event:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(machine, state, event, now)

    vars(batch)["step"] = fragile


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
