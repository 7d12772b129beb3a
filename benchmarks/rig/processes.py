"""CPU and context switches of processes by family tree, and how processes are ended."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import psutil

CpuTimes: TypeAlias = dict[str, float]
"""Seconds of CPU by the name of a part."""
_SWITCHES: Final = re.compile(r"^(non)?voluntary_ctxt_switches:\s*(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Switches:
    """Context switches: of threads that wanted to wait, and of those whose core others wanted."""

    voluntary: int
    forced: int


def cpu_seconds(tops: Mapping[str, int], *, without: frozenset[int] = frozenset()) -> CpuTimes:
    """Sum the CPU that each family has used so far: the process `tops[name]`, all below it, and all that they reaped.

    A child that has ended counts through the parent that collected it, so short-lived ones are not lost. `without`
    names processes that watch and do no work of the family. A difference of two calls is what a window cost.
    """
    sums: CpuTimes = {}
    for name, top in tops.items():
        sums[name] = sum(_seconds(member) for member in _family(top, without))
    return sums


def context_switches(tops: Mapping[str, int], *, without: frozenset[int] = frozenset()) -> dict[str, Switches]:
    """Sum the context switches of the threads that each family has now, by thread as only Linux tells them.

    Those of threads that have ended are lost: a difference of two calls is right for parts that keep theirs.
    """
    sums: dict[str, Switches] = {}
    for name, top in tops.items():
        voluntary = forced = 0
        for member in _family(top, without):
            for non, count in _SWITCHES.findall(_statuses(member.pid)):
                if non:
                    forced += int(count)
                else:
                    voluntary += int(count)
        sums[name] = Switches(voluntary, forced)
    return sums


def stop(processes: Iterable[subprocess.Popen[bytes]], *, grace_s: float = 20.0) -> None:
    """Ask processes to end, all at once, and kill those that take longer than `grace_s`, with all below them."""
    asked = list(processes)
    families = [member for process in asked for member in _descendants(process)]
    for process in asked:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for process in asked:
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for member in families:  # A pool's children outlive a parent that had to be killed.
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def _family(top: int, without: frozenset[int]) -> list[psutil.Process]:
    family = psutil.Process(top)
    return [member for member in (family, *family.children(recursive=True)) if member.pid not in without]


def _statuses(pid: int) -> str:
    """Give what the kernel says of each thread of a process."""
    texts = []
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            texts.append(status.read_text())
    return "".join(texts)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system + times.children_user + times.children_system


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
