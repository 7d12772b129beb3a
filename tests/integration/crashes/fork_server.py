"""Forks a process for each order, so that a start takes milliseconds: orders come in and answers go out as JSON lines.

An order names a scenario, one of its parts and perhaps the point at which the process kills itself. The answer has the
process's exit status and every point that it passed.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from integration.crashes.hands import Site
from integration.crashes.scenarios import SCENARIOS

from foliot.settings import Settings
from foliot.store import crash_point
from foliot.store.statements import CrashPoint


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    # Log lines are no answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _obey(order, write)
        os.close(write)
        with os.fdopen(read) as pipe:
            passed = pipe.read().split()
        _, status = os.waitpid(child, 0)
        answers.write(json.dumps({"status": os.waitstatus_to_exitcode(status), "passed": passed}) + "\n")
        answers.flush()


def _obey(order: dict[str, Any], trace: int) -> None:
    status = 1
    try:
        _trace(trace)
        scenario, site = SCENARIOS[order["scenario"]], Site(order["dsn"], order["kafka"])
        # As every entry point of Foliot does it.
        settings = Settings(testing=True, crash_at=order["crash_at"])
        crash_point.arm(settings.crash_at)
        getattr(scenario, order["part"])(site)
        status = 0
    except BaseException:  # noqa: BLE001 - a forked process must not go on with its parent's work
        traceback.print_exc()
    finally:
        os._exit(status)


def _trace(pipe: int) -> None:
    """Tell of every point before it is passed; whether the process dies there is the crash point's own business."""
    passed = CrashPoint.passed

    def telling(self: CrashPoint, name: str) -> None:
        os.write(pipe, f"{name}\n".encode())
        passed(self, name)

    CrashPoint.passed = telling  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
