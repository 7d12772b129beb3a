"""On the path of a worker: its process ends when it steps the event that the environment names, as by a native crash.

Python imports a module of this name at its start. Only processes that step get the trap.
"""

from __future__ import annotations

import os
import sys
from typing import Any

if "worker" in sys.orig_argv:
    from foliot.runtime import batch

    _step: Any = batch.__dict__["step"]

    def _fatal(machine: object, state: object, event: object, now: int) -> object:
        if getattr(event, "id", None) == os.environ["POISON_EVENT"]:
            os._exit(77)
        return _step(machine, state, event, now)

    batch.__dict__["step"] = _fatal
