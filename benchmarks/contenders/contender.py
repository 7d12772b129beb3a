"""What every contender can be asked for, and what it is given."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from benchmarks.rig import Rig

Programs: TypeAlias = dict[str, subprocess.Popen[bytes]]
"""Running processes, by the name of the part that they are."""
State: TypeAlias = tuple[str, str, int, int]
"""What became of an incident: its state's path, chain, seen and notes."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run a contender."""

    name: str
    options: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events, as what the producer is told: `load` are its arguments; `file` has the same events, one a line."""

    events: int
    load: tuple[str, ...]
    file: Path


class Contender(Protocol):
    """A way to apply events to incidents durably.

    Each has a database of its own on the rig's one PostgreSQL, and starts from a filled queue of its own kind.
    """

    name: str
    title: str
    servers: ClassVar[tuple[str, ...]]
    """Servers that do its work: their CPU is its own."""
    settings: tuple[Setting, ...]
    """Ways to run it, the most promising first."""
    journals: ClassVar[tuple[str, ...]]
    """Tables that grow with the events."""
    presents: ClassVar[tuple[str, ...]]
    """Tables that grow with the incidents."""
    ring: ClassVar[tuple[str, ...]]
    """Tables that are written over."""
    whole: ClassVar[bool]
    """Measure from the first event taken until nothing is left; else a window of time on a longer queue."""
    events_per_s_max: ClassVar[int]
    """No setting is faster; says how many events fill a window."""

    def prepare(self, rig: Rig) -> None:
        """Make its tables, once."""

    def fill(self, rig: Rig, setting: Setting, batch: Batch) -> None:
        """Put the batch on its queue; not measured."""

    def start(self, rig: Rig, setting: Setting, batch: Batch) -> Programs:
        """Start the processes that apply the batch."""

    def taken(self, rig: Rig) -> int:
        """Count the events that it has taken over or applied, since `prepare`."""

    def done(self, rig: Rig) -> int:
        """Count the events whose effect is committed, since `prepare`."""

    def clear(self, rig: Rig) -> None:
        """Throw away what is still waiting."""

    def state(self, rig: Rig, key: str) -> State | None:
        """Look at one incident."""

    def version(self) -> str:
        """Name what runs, with its version."""


def peer_python(environments: Path, name: str) -> Path:
    """Find the interpreter of a peer's own environment.

    Raises:
        SystemExit: it has not been made.
    """
    python = environments / name / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"there is no environment for {name}: run `make peers`")
    return python.absolute()


def installed(python: Path, *packages: str) -> str:
    """Name packages with the versions that an environment has."""
    code = "import sys, importlib.metadata as m; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    return subprocess.run(
        [python, "-c", code, *packages], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()
