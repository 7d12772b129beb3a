"""What the demo shows while it runs, read from Postgres in short transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from foliot.cloudevents import LANES
from foliot.store import Connection, end_reading, load

_VIEWS: Final = load("views")
_INTAKE: Final = load("intake")


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """A lane: events that wait, and milliseconds from accepted to stepped."""

    backlog: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One look at the system."""

    accepted: int = 0
    stepped: int = 0
    unsent: int = 0
    unannounced: int = 0
    lanes: Mapping[str, LaneFigures] = field(default_factory=dict)
    versions: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_drained(self) -> bool:
        """Tell whether everything that was accepted was stepped, sent and announced."""
        return self.accepted == self.stepped and not self.unsent and not self.unannounced


def look(connection: Connection) -> Figures:
    """Read all figures.

    Raises:
        StoreError: Postgres does not answer.
    """
    progress = _VIEWS["progress"].run(connection).fetchone() or (0, 0, 0, 0)
    backlog = {lane: waiting for lane, waiting, _ in _INTAKE["read_depth"].run(connection)}
    times = {lane: (p50, p99) for lane, _, p50, p99 in _VIEWS["latencies"].run(connection)}
    versions: dict[int, int] = dict(_VIEWS["population"].run(connection).fetchall())
    end_reading(connection)
    lanes = {
        name: LaneFigures(int(backlog.get(number, 0)), *times.get(number, (None, None)))
        for number, name in enumerate(LANES)
    }
    accepted, stepped, unsent, unannounced = (int(value) for value in progress)
    return Figures(accepted, stepped, unsent, unannounced, lanes, versions)


def sizes(connection: Connection) -> Mapping[str, int]:
    """Read the bytes of the largest tables, with their indexes."""
    found: dict[str, int] = dict(_VIEWS["sizes"].run(connection).fetchall())
    end_reading(connection)
    return found
