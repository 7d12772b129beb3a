"""CPU of processes by family tree, and how processes are ended."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import psutil

CpuTimes: TypeAlias = dict[str, float]
"""Seconds of CPU by the name of a part."""


def cpu_seconds(tops: Mapping[str, int], *, without: frozenset[int] = frozenset()) -> CpuTimes:
    """Sum the CPU that each family has used so far: the process `tops[name]`, all below it, and all that they reaped.

    A child that has ended counts through the parent that collected it, so short-lived ones are not lost. `without`
    names processes that watch and do no work of the family. A difference of two calls is what a window cost.
    """
    sums: CpuTimes = {}
    for name, top in tops.items():
        family = psutil.Process(top)
        sums[name] = sum(
            _seconds(member) for member in (family, *family.children(recursive=True)) if member.pid not in without
        )
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
