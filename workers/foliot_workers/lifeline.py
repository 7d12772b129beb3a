"""What a process tells the kernel, and what the kernel tells of it: its name, its end, its children."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends (Linux); end now where it has ended before."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def call_process(name: str) -> None:
    """Give this process a name of up to 15 letters, for `ps` and `top` (Linux)."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def child_count(pid: int) -> int | None:
    """Count the direct children of a process that live; None where it has ended or the system does not tell."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return sum(map(_lives, children))


def _lives(pid: str) -> bool:
    try:
        about = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    # The state follows the program's name in brackets, which may hold blanks and brackets. Z is a zombie.
    return about.rpartition(")")[2].split()[0] not in "ZX"
