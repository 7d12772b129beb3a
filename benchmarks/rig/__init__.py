"""What every measurement stands on: servers, processes and their CPU, the database's bytes, the machine around it."""

from benchmarks.rig.database import Database
from benchmarks.rig.machine import Facts, MachineClock, facts
from benchmarks.rig.processes import CpuTimes, cpu_seconds, stop
from benchmarks.rig.servers import ROOT, Rig, rig

__all__ = [
    "ROOT",
    "CpuTimes",
    "Database",
    "Facts",
    "MachineClock",
    "Rig",
    "cpu_seconds",
    "facts",
    "rig",
    "stop",
]
