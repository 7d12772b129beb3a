"""The programs of Foliot as real processes, started again whenever they end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from foliot.local.child import Child, Launch

_START_AGAIN_S: Final = 1.0
"""Between two starts, where a program ends as soon as it is started."""
FOLIOT: Final = (sys.executable, "-m", "foliot.cli")


class Program:
    """One program: `look` starts it again at once when it has ended, until `end` was called."""

    def __init__(self, name: str, argv: Sequence[str], environment: Mapping[str, str], *, logs: Path) -> None:
        self.name = name
        self.starts = 0
        self.ended_by_itself: list[int] = []
        self._due = 0.0
        self._argv = tuple(argv)
        self._environment = {**os.environ, **environment}
        self._folder = logs
        self._child = Child(name, logs / f"{name}.log")
        self._wanted = True

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """The number of its last process."""
        return self._child.pid

    @property
    def process(self) -> psutil.Process | None:
        """The program's own process, while it runs."""
        if not self._child.running() or self._child.pid is None:
            return None
        try:
            return psutil.Process(self._child.pid)
        except psutil.NoSuchProcess:
            return None

    def look(self) -> None:
        """Start it if it does not run and should."""
        if not self._wanted or self._child.running() or time.monotonic() < self._due:
            return
        code = self._child.exit_code()
        if code is not None and code != -signal.SIGKILL:
            self.ended_by_itself.append(code)
        self._child.spawn(Launch(self._argv, self._folder, self._environment))
        self.starts += 1
        self._due = time.monotonic() + _START_AGAIN_S

    def family(self) -> list[psutil.Process]:
        """List the program and all processes below it."""
        own = self.process
        return [] if own is None else [own, *self.hands(), *self.grandchildren()]

    def hands(self) -> list[psutil.Process]:
        """List the processes right below the program: the parents of Celery's children."""
        own = self.process
        return [] if own is None else _children(own)

    def grandchildren(self) -> list[psutil.Process]:
        """List the processes below those: Celery's children, which step."""
        return [child for hand in self.hands() for child in _children(hand)]

    def crash(self) -> None:
        """Kill it; the next look starts it again."""
        self._child.end(signal.SIGKILL, grace_seconds=5.0)

    def kill(self) -> None:
        """End it as a crash would, and do not start it again."""
        self._wanted = False
        self._child.end(signal.SIGKILL, grace_seconds=5.0)

    def end(self, *, grace_seconds: float) -> int:
        """Ask it to end, and give its exit code: negative where it had to be killed."""
        self._wanted = False
        for process in self.family():
            process.send_signal(signal.SIGCONT)
        self._child.end(signal.SIGTERM, grace_seconds=grace_seconds)
        return self._child.exit_code() or 0

    def tail(self, lines: int = 20) -> str:
        """Give the last lines of its log."""
        return self._child.log_tail(lines)


def _children(process: psutil.Process) -> list[psutil.Process]:
    """List the living children; by the kernel's own list, since psutil looks at every process of the machine."""
    try:
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except OSError:
        return []
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            child = psutil.Process(int(pid))
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def reap_orphans(known: frozenset[int]) -> None:
    """Collect the exits of adopted processes; `known` are our own, whose exits are asked for elsewhere."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in known:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)


def kill_the_rest() -> list[str]:
    """Kill whatever is left below this process; give what it was."""
    left = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    named = [f"{child.pid} {child.name()}" for child in left]
    for child in left:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=5.0)
    return named
