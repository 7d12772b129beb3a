"""Scenarios as pytest's tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foliot.definition import DefinitionRefused
from foliot.engine import Compiled
from foliot.engine import compile as compile_machine
from foliot.testing import Ran, Runner, Sessions, Suite, load_machine, load_suite, narrate

__all__ = ["Sessions", "collector_of", "compiled"]


class ScenariosRefused(Exception):
    """A file of scenarios, or its machine, is wrong; the text has all that is."""


class ScenarioFailed(Exception):
    """A scenario went another way than is expected; the text is the report."""


def compiled(file: Path) -> Compiled:
    """Read and compile a machine in any language."""
    return compile_machine(load_machine(str(file), _read).definition)


def collector_of(file: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Give the collector of a file, or None where it is no file of scenarios but something of another tool."""
    if b"scenarios" not in file.read_bytes():
        return None
    collector: pytest.Collector = ScenariosFile.from_parent(parent, path=file)
    return collector


class ScenariosFile(pytest.File):
    """A file; its scenarios share a runner."""

    def collect(self) -> Iterator[pytest.Item]:
        """Give an item for each scenario."""
        try:
            suite = load_suite(os.path.relpath(self.path), _read)
        except DefinitionRefused as error:
            raise ScenariosRefused("\n".join(map(str, error.diagnostics))) from error
        runner = Runner()
        for number, scenario in enumerate(suite.scenarios):
            yield ScenarioItem.from_parent(self, name=scenario.name, suite=suite, number=number, runner=runner)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002 - pytest's own
        """Show diagnostics as they are."""
        if isinstance(excinfo.value, ScenariosRefused):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class ScenarioItem(pytest.Item):
    """One scenario."""

    def __init__(self, *, suite: Suite, number: int, runner: Runner, **options: Any) -> None:
        super().__init__(**options)
        self._suite = suite
        self._number = number
        self._runner = runner

    def runtest(self) -> None:
        """Run it."""
        ran = self._runner.run(self._suite, self._number)
        if not ran.played.passed:
            raise ScenarioFailed("\n".join(_report(ran)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the report of a scenario, and no traceback of ours."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Tell where the scenario stands; pytest counts lines from 0."""
        return self.path, self._suite.line(self._number) - 1, self.name


def _report(ran: Ran) -> Iterator[str]:
    for each in ran.played.mismatches:
        yield f"{ran.suite.file}:{ran.suite.line(ran.number, each)}: {each.what}"
        yield f"  - expected {each.expected}"
        yield f"  + seen     {each.seen}"
    yield "What happened:"
    yield from (f"  {number}. {line}" for number, line in enumerate(narrate(ran.played), 1))


def _read(file: str) -> bytes:
    return Path(file).read_bytes()
