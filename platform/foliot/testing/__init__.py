"""Machines run in memory, for tests: no server, and a clock that stands still until it is told."""

from foliot.testing.coverage import Coverage, Item, Summary
from foliot.testing.exploring import Move, Moves, apply, explore
from foliot.testing.generating import Generated, generate, golden
from foliot.testing.judging import Mismatch, Played, play, way
from foliot.testing.mutants import Mutant, mutants
from foliot.testing.mutation import Judged, Score, judge_mutants, score, tell_apart
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
    "Judged",
    "MachineFile",
    "Mismatch",
    "Move",
    "Moves",
    "Mutant",
    "Play",
    "Played",
    "Ran",
    "Runner",
    "Scenario",
    "ScenarioFile",
    "ScenarioStep",
    "Score",
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
    "judge_mutants",
    "load_machine",
    "load_suite",
    "mutants",
    "play",
    "probe",
    "read_scenarios",
    "scenario_schema",
    "score",
    "tell_apart",
    "way",
    "write_scenarios",
]
