"""One process that is the parent of all servers and programs of one machine, and the ways to start and end it."""

from foliot.local.supervisor.control import start_in_background, status, stop
from foliot.local.supervisor.plan import Config, Program
from foliot.local.supervisor.records import Part, Status
from foliot.local.supervisor.watch import run_supervisor

__all__ = ["Config", "Part", "Program", "Status", "run_supervisor", "start_in_background", "status", "stop"]
