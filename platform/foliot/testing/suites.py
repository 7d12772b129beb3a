"""A file of scenarios with its machine: read, checked against each other, and run."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeAlias

from foliot.definition import Definition, DefinitionRefused, Diagnostic, Place, Places
from foliot.engine import Compiled
from foliot.errors import FoliotError
from foliot.languages import read as read_machine
from foliot.testing.coverage import Coverage
from foliot.testing.judging import Mismatch, Played, play
from foliot.testing.probing import probe
from foliot.testing.scenarios import Scenario, ScenarioReading, check_against, read_scenarios

Fetch: TypeAlias = Callable[[str], bytes]
"""Gives the bytes of a file; it raises `OSError` or `FoliotError` where there are none."""


@dataclass(frozen=True, slots=True)
class MachineFile:
    """A machine that was read, and where its parts stand."""

    file: str
    definition: Definition
    places: Places

    def place(self, state: str, transition: int = -1) -> Place:
        """Tell where a transition stands, or else a state."""
        found = self.places.transitions.get(transition) if transition >= 0 else None
        return found or self.places.states.get(state, Place(1, 1))


@dataclass(frozen=True, slots=True)
class Suite:
    """Scenarios and the machine that they are of."""

    file: str
    machine: MachineFile
    reading: ScenarioReading

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """All scenarios, in their order."""
        return self.reading.scenarios.scenarios if self.reading.scenarios is not None else ()

    def line(self, number: int, mismatch: Mismatch | None = None) -> int:
        """Tell the line of a scenario (from 0), or of an expectation in it."""
        path = () if mismatch is None else mismatch.path
        return self.reading.place("scenarios", number, *path).line


@dataclass(frozen=True, slots=True)
class Ran:
    """A scenario of a suite that was run; `number` counts from 0."""

    suite: Suite
    number: int
    played: Played


def load_machine(file: str, fetch: Fetch) -> MachineFile:
    """Read a machine in any language.

    Raises:
        DefinitionRefused: something is wrong with it.
    """
    reading = read_machine(fetch(file), filename=file)
    if reading.definition is None:
        raise DefinitionRefused(reading.diagnostics)
    return MachineFile(file, reading.definition, reading.places)


def load_suite(file: str, fetch: Fetch) -> Suite:
    """Read a file of scenarios, and its machine.

    Raises:
        DefinitionRefused: something is wrong with one of them, or with both together.
    """
    reading = read_scenarios(fetch(file), filename=file)
    if reading.scenarios is None:
        raise DefinitionRefused(reading.diagnostics)
    named = posixpath.normpath(PurePath(file).parent / reading.scenarios.machine)
    try:
        machine = load_machine(named, fetch)
    except OSError as error:
        raise DefinitionRefused((_unreadable(file, reading, named, error.strerror or str(error)),)) from error
    except DefinitionRefused:
        raise
    except FoliotError as error:
        raise DefinitionRefused((_unreadable(file, reading, named, error.refusal.what),)) from error
    found = check_against(reading, machine.definition, filename=file)
    if found:
        raise DefinitionRefused(found)
    return Suite(file, machine, reading)


def _unreadable(file: str, reading: ScenarioReading, named: str, why: str) -> Diagnostic:
    place = reading.place("machine")
    what = f"The machine {named} cannot be read: {why}."
    remedy = "Name a machine's file, as seen from this one."
    return Diagnostic("D204", "error", file, place.line, place.column, "machine", what, remedy)


@dataclass(frozen=True, slots=True)
class Watched:
    """A machine that tells what is covered of it."""

    machine: MachineFile
    compiled: Compiled
    coverage: Coverage


class Runner:
    """Runs suites and counts what of each machine they cover."""

    def __init__(self) -> None:
        self._watched: dict[str, Watched] = {}

    @property
    def watched(self) -> tuple[Watched, ...]:
        """All machines that have run, in the order in which they came."""
        return tuple(self._watched.values())

    def run(self, suite: Suite, number: int) -> Ran:
        """Run one scenario."""
        definition = suite.machine.definition
        watched = self._watched.get(definition.hash)
        if watched is None:
            coverage = Coverage(definition)
            watched = Watched(suite.machine, probe(definition, coverage.asked), coverage)
            self._watched[definition.hash] = watched
        played = play(watched.compiled, suite.scenarios[number])
        watched.coverage.note((*played.given, *played.seen))
        return Ran(suite, number, played)
