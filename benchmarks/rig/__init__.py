"""What every measurement stands on: servers, processes and their CPU, the database's bytes, the machine around it."""

from benchmarks.rig.database import Database
from benchmarks.rig.machine import Facts, MachineClock, facts
from benchmarks.rig.processes import CpuTimes, Switches, context_switches, cpu_seconds, stop
from benchmarks.rig.servers import ROOT, Rig, rig
from benchmarks.rig.sessions import SessionWatch, Sight, watch_sessions

__all__ = [
    "ROOT",
    "CpuTimes",
    "Database",
    "Facts",
    "MachineClock",
    "Rig",
    "SessionWatch",
    "Sight",
    "Switches",
    "context_switches",
    "cpu_seconds",
    "facts",
    "rig",
    "stop",
    "watch_sessions",
]
