"""A process whose batch hangs ends itself, whoever holds the GIL; one that is idle or busy in time does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import time
from foliot_workers.watchdog import Watchdog
watchdog = Watchdog({seconds})
watchdog.start()
{work}
"""
HANGING = {
    "in Python": "watchdog.begin()\nwhile True: pass",
    "in native code": "watchdog.begin()\nsum(range(10**12))",
}
SOUND = {
    "idle": "time.sleep(7)",
    "busy": "for _ in range(70):\n watchdog.begin()\n time.sleep(0.1)\n watchdog.end()",
    "stopped": "watchdog.begin()\nwatchdog.stop()\ntime.sleep(7)",
}


def _start(work: str, seconds: float) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", PROGRAM.format(work=work, seconds=seconds)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("work", HANGING)
def test_a_batch_that_hangs_ends_its_process_with_a_trace(work: str) -> None:
    with _start(HANGING[work], 0.5) as process:
        _, trace = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "Timeout" in trace
    assert "most recent call first" in trace


def test_processes_that_are_well_go_on() -> None:
    # Each lasts longer than a batch may, and a busy machine is not away for as long.
    processes = {name: _start(work, 6) for name, work in SOUND.items()}

    errors = {name: process.communicate(timeout=120)[1] for name, process in processes.items()}

    assert errors == dict.fromkeys(SOUND, "")
    assert {process.returncode for process in processes.values()} == {0}
