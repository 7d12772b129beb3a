"""Files of scenarios and of their machines, found and read for commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from foliot import file_names
from foliot.cli.files import read_file
from foliot.definition import DefinitionRefused, Diagnostic
from foliot.errors import FoliotError
from foliot.languages import read
from foliot.testing import MachineFile, Suite, load_machine, load_suite

_SKIPPED: Final = ("node_modules", "__pycache__")


class NoScenarios(FoliotError):
    """No scenario is there to be run."""

    code: ClassVar[str] = "no_scenarios"
    remedy: ClassVar[str] = (
        "Name a file that ends in .test.yaml, or a folder with one; `foliot test --generate` writes one."
    )


class KeptTexts:
    """Reads files, and keeps their texts for diagnostics."""

    def __init__(self) -> None:
        self.by_file: dict[str, bytes] = {}

    def fetch(self, file: str) -> bytes:
        """Give the bytes of a file."""
        if file not in self.by_file:
            self.by_file[file] = read_file(Path(file))
        return self.by_file[file]

    def machine(self, path: Path) -> MachineFile:
        """Read a machine.

        Raises:
            DefinitionRefused: something is wrong with it.
        """
        return load_machine(str(path), self.fetch)

    def suites(self, paths: Sequence[Path]) -> list[Suite]:
        """Read files of scenarios.

        Raises:
            DefinitionRefused: something is wrong with some of them; all of it is told.
            NoScenarios: one of them is a machine.
        """
        suites: list[Suite] = []
        found: dict[Diagnostic, None] = {}
        for path in paths:
            try:
                suites.append(load_suite(str(path), self.fetch))
            except DefinitionRefused as error:
                self._refuse_machine(path)
                found |= dict.fromkeys(error.diagnostics)
        if found:
            raise DefinitionRefused(tuple(found))
        return suites

    def _refuse_machine(self, path: Path) -> None:
        """Say of a file that it is a machine, where it is one.

        Raises:
            NoScenarios: so it is.
        """
        own = path.name.endswith(file_names.OWN) and not path.name.endswith(file_names.XSTATE)
        if path.name.endswith(file_names.SCENARIOS) or not path.name.endswith(file_names.MACHINES):
            return
        if own and "foliot" not in read(self.fetch(str(path)), filename=str(path)).positions:
            return
        beside = path.with_name(f"{path.stem}{file_names.SCENARIOS[0]}")
        remedy = f"`foliot test --generate {path}` writes some; `foliot check {path}` looks at the machine itself."
        if beside.exists():
            remedy = f"Its scenarios are beside it: foliot test {beside}"
        raise NoScenarios("this is a machine, not a file of scenarios", where=str(path), remedy=remedy)


def find_scenarios(paths: Sequence[Path]) -> list[Path]:
    """Find the files of scenarios that paths name, or that are below them.

    Raises:
        NoScenarios: there is none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = (file for suffix in file_names.SCENARIOS for file in path.rglob(f"*{suffix}"))
            found |= dict.fromkeys(sorted(file for file in below if not _is_hidden(file.relative_to(path))))
        else:
            found[path] = None
    if not found:
        raise NoScenarios("no file ends in .test.yaml here", where=", ".join(map(str, paths)))
    return list(found)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in _SKIPPED for part in path.parts[:-1])
