"""What a run's evidence says about speed: events a second, and how long each fault held everything up."""

from __future__ import annotations

import os
import platform
from bisect import bisect_right
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from acceptance.rig.evidence import rows

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Recovery:
    """One fault, and the seconds until the next batch was committed in any shard (None: there was none)."""

    kind: str
    at_s: float
    victim: str
    recovery_s: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures; `standstill_s` is the longest time between two batches while events waited or came."""

    events: int
    seconds: float
    events_per_second: float
    recovery_p50_s: float
    recovery_p95_s: float
    recovery_max_s: float
    standstill_s: float
    faults: tuple[Recovery, ...]

    def as_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)


def measure(evidence: Path, *, began_us: int) -> Figures:
    """Read the figures out of a run's evidence."""
    commits = sorted({row["at"] for row in rows(evidence, "batches")})
    events = sum(row["kind"] == 0 for row in rows(evidence, "journal"))
    faults = []
    for fault in rows(evidence, "faults"):
        place = bisect_right(commits, fault["at"])
        after = commits[place] - fault["at"] if place < len(commits) else None
        at_s = (fault["at"] - began_us) / _SECOND_US
        victim = str(fault.get("victim", fault.get("version", "")))
        recovery_s = None if after is None else round(after / _SECOND_US, 3)
        faults.append(Recovery(fault["kind"], round(at_s, 1), victim, recovery_s))
    known = sorted(fault.recovery_s for fault in faults if fault.recovery_s is not None)
    seconds = (commits[-1] - began_us) / _SECOND_US if commits else 0.0
    return Figures(
        events=events,
        seconds=round(seconds, 1),
        events_per_second=round(events / seconds, 1) if seconds else 0.0,
        recovery_p50_s=_part(known, 0.50),
        recovery_p95_s=_part(known, 0.95),
        recovery_max_s=_part(known, 1.0),
        standstill_s=round(max((b - a for a, b in pairwise(commits)), default=0) / _SECOND_US, 3),
        faults=tuple(faults),
    )


def machine() -> dict[str, object]:
    """Describe the machine and its load now."""
    return {
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _part(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0
