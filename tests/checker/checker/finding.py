"""What an invariant says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["red", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. A note is worth reading and makes no verdict red."""

    invariant: str
    what: str
    where: str
    severity: Severity = "red"


@dataclass(slots=True)
class Tally:
    """How many things an invariant looked at."""

    checked: int = 0
