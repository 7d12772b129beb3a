"""Machines run in memory, for tests: no server, and a clock that stands still until it is told."""

from foliot.testing.coverage import Coverage, Item, Summary, name_transition
from foliot.testing.exploring import (
    BEGINNING,
    STEPS_MAX,
    Explored,
    Move,
    Moves,
    NeverRests,
    Way,
    World,
    apply,
    explore,
    world_key,
)
from foliot.testing.generating import Generated, generate, golden
from foliot.testing.judging import Mismatch, Played, narrate, play
from foliot.testing.mutants import Mutant, mutants
from foliot.testing.mutation import Judged, Score, judge_mutants, score, tell_apart
from foliot.testing.probing import Asked, probe
from foliot.testing.relevance import all_expressions, deciding_names, expressions_of, guards_of, reads_of
from foliot.testing.running import Play, Seen, active_states, parent_of
from foliot.testing.scenarios import (
    Scenario,
    ScenarioFile,
    ScenarioStep,
    read_scenarios,
    scenario_schema,
    write_duration,
)
from foliot.testing.services import Answer, Failure, Reply, Service, Silence, scripted
from foliot.testing.sessions import NOT_BEGUN, Session, Sessions
from foliot.testing.suites import MachineFile, Ran, Runner, Suite, Watched, load_machine, load_suite
from foliot.testing.writing import write_scenarios

__all__ = [
    "BEGINNING",
    "NOT_BEGUN",
    "STEPS_MAX",
    "Answer",
    "Asked",
    "Coverage",
    "Explored",
    "Failure",
    "Generated",
    "Item",
    "Judged",
    "MachineFile",
    "Mismatch",
    "Move",
    "Moves",
    "Mutant",
    "NeverRests",
    "Play",
    "Played",
    "Ran",
    "Reply",
    "Runner",
    "Scenario",
    "ScenarioFile",
    "ScenarioStep",
    "Score",
    "Seen",
    "Service",
    "Session",
    "Sessions",
    "Silence",
    "Suite",
    "Summary",
    "Watched",
    "Way",
    "World",
    "active_states",
    "all_expressions",
    "apply",
    "deciding_names",
    "explore",
    "expressions_of",
    "generate",
    "golden",
    "guards_of",
    "judge_mutants",
    "load_machine",
    "load_suite",
    "mutants",
    "name_transition",
    "narrate",
    "parent_of",
    "play",
    "probe",
    "read_scenarios",
    "reads_of",
    "scenario_schema",
    "score",
    "scripted",
    "tell_apart",
    "world_key",
    "write_duration",
    "write_scenarios",
]
