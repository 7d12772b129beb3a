"""The machine around a measurement: what it is, how busy others keep it, how much of it was stolen."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class Facts:
    """What the machine is, without its name and without any path."""

    cores: int
    processor: str
    memory_gb: float
    kernel: str
    python: str


@dataclass(frozen=True, slots=True)
class MachineClock:
    """A reading of the processor's own accounts; two readings tell what happened between them. Seconds of CPU."""

    busy: float
    idle: float
    stolen: float
    load: float

    @classmethod
    def read(cls) -> Self:
        """Read the clocks of all cores together, and the load average of the last minute."""
        times = psutil.cpu_times()
        stolen = getattr(times, "steal", 0.0)
        # `user` has the guests' time in it already.
        busy = times.user + times.nice + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
        return cls(busy, times.idle + getattr(times, "iowait", 0.0), stolen, os.getloadavg()[0])

    def stolen_since(self, before: MachineClock) -> float:
        """Give the share of all processor time since `before` that the hypervisor gave to others: 0 to 1."""
        stolen = self.stolen - before.stolen
        total = stolen + self.busy - before.busy + self.idle - before.idle
        return stolen / total if total > 0 else 0.0


def facts() -> Facts:
    """Look at this machine."""
    return Facts(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
