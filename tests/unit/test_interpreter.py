"""How far a process stands back for a processor."""

from __future__ import annotations

import subprocess
import sys

import pytest

STAND_BACK = """
import os, sys
from foliot.interpreter import stand_back
os.setpriority(os.PRIO_PROCESS, 0, int(sys.argv[1]))
stand_back(int(sys.argv[2]))
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


@pytest.mark.parametrize(("before", "wanted", "after"), [(0, 10, 10), (12, 10, 12), (3, 0, 3)])
def test_a_process_stands_back_as_far_as_it_is_told_and_never_comes_forward(before: int, wanted: int, after: int):
    argv = [sys.executable, "-c", STAND_BACK, str(before), str(wanted)]

    told = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout

    assert int(told) == after
