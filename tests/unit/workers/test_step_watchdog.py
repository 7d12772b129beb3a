"""A process whose batch hangs ends itself, whoever holds the GIL; one that is idle or busy in time does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import time
from foliot_workers.watchdog import Watchdog
watchdog = Watchdog(0.5)
watchdog.start()
{work}
"""
HANGING = {
    "in Python": "watchdog.begin()\nwhile True: pass",
    "in native code": "watchdog.begin()\nsum(range(10**12))",
}
SOUND = {
    "idle": "time.sleep(2)",
    "busy": "for _ in range(20):\n watchdog.begin()\n time.sleep(0.1)\n watchdog.end()",
    "stopped": "watchdog.begin()\nwatchdog.stop()\ntime.sleep(2)",
}


def _run(work: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("work", HANGING)
def test_a_batch_that_hangs_ends_its_process_with_a_trace(work: str) -> None:
    ended = _run(HANGING[work])

    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert "most recent call first" in ended.stderr


@pytest.mark.parametrize("work", SOUND)
def test_a_process_that_is_well_goes_on(work: str) -> None:
    ended = _run(SOUND[work])

    assert (ended.returncode, ended.stderr) == (0, "")
