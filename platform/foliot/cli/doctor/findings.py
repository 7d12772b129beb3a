"""What a look at one thing came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        part: which part it belongs to: postgres, kafka, broker, api, machine …
        what: the thing, as a name.
        grade: `failure`: a promise does not hold. `warning`: it holds less far, or could not be looked at.
        says: what was found.
        remedy: what to do; empty where all is well.
    """

    part: str
    what: str
    grade: Literal["ok", "warning", "failure"]
    says: str
    remedy: str = ""


def passed(part: str, what: str, says: str) -> Finding:
    """Say that all is well."""
    return Finding(part, what, "ok", says)


def warning(part: str, what: str, says: str, remedy: str) -> Finding:
    """Say that a promise holds less far than it could."""
    return Finding(part, what, "warning", says, remedy)


def failure(part: str, what: str, says: str, remedy: str) -> Finding:
    """Say that a promise does not hold."""
    return Finding(part, what, "failure", says, remedy)
