"""Machines run in memory, for tests: no server, and a clock that stands still until it is told."""

from foliot.testing.coverage import Coverage, Item, Summary
from foliot.testing.exploring import Move, Moves, apply, explore
from foliot.testing.generating import Generated, generate, golden
from foliot.testing.judging import Mismatch, Played, play, way
from foliot.testing.probing import Asked, probe
from foliot.testing.running import Play, Seen
from foliot.testing.scenarios import SUFFIXES, Scenario, ScenarioFile, ScenarioStep, read_scenarios, scenario_schema
from foliot.testing.sessions import Session, Sessions
from foliot.testing.suites import MachineFile, Ran, Runner, Suite, Watched, load_machine, load_suite
from foliot.testing.writing import write_scenarios

__all__ = [
    "SUFFIXES",
    "Asked",
    "Coverage",
    "Generated",
    "Item",
    "MachineFile",
    "Mismatch",
    "Move",
    "Moves",
    "Play",
    "Played",
    "Ran",
    "Runner",
    "Scenario",
    "ScenarioFile",
    "ScenarioStep",
    "Seen",
    "Session",
    "Sessions",
    "Suite",
    "Summary",
    "Watched",
    "apply",
    "explore",
    "generate",
    "golden",
    "load_machine",
    "load_suite",
    "play",
    "probe",
    "read_scenarios",
    "scenario_schema",
    "way",
    "write_scenarios",
]
