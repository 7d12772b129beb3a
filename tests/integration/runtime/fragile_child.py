"""A worker child that is killed when it steps a certain event, as a crash in native code would do it."""

from __future__ import annotations

import os
import signal
import sys

from foliot.runtime import Stepper, batch
from foliot.settings import Settings


def main(event_id: str) -> None:
    """Step until nothing is left, or die."""
    step = batch.step

    def fragile(machine: object, state: object, event: object, now: int) -> object:
        if event.id == event_id:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGKILL)
        return step(machine, state, event, now)  # type: ignore[arg-type]

    batch.step = fragile  # type: ignore[assignment]
    stepper = Stepper(Settings(steal_after_ms=0), writer=f"fragile-{os.getpid()}")
    idle = 0
    while idle < 5:
        idle = 0 if stepper.run_batch().events else idle + 1
    stepper.close()


if __name__ == "__main__":
    main(sys.argv[1])
