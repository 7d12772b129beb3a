"""The demonstration: real traffic through the whole path, a kill on the way, and a verdict at the end."""

from foliot.local.demo.story import DemoRefused, Outcome, Plan, run_demo
from foliot.local.demo.workload import Planned, incidents

__all__ = ["DemoRefused", "Outcome", "Plan", "Planned", "incidents", "run_demo"]
