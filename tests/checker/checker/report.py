"""The verdict: a line for each invariant, the first findings in full, and whether the run counts at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from checker.case import Case
from checker.finding import Finding, Tally
from checker.invariants import INVARIANTS

SHOWN_MAX: Final = 20
"""How many findings of an invariant are kept in full; all are counted."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a run must have had to count."""

    events_min: int = 1
    faults_min: int = 0
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one invariant."""

    title: str
    checked: int
    red: int
    notes: int
    by_name: dict[str, int]
    first: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """All lines, and why the run does not count, if it does not."""

    events: int
    applied: int
    faults: dict[str, int]
    lines: tuple[Line, ...]
    invalid: tuple[str, ...]

    @property
    def is_green(self) -> bool:
        """Say whether the run counts and nothing is red."""
        return not self.invalid and not any(line.red for line in self.lines)

    @property
    def names(self) -> frozenset[str]:
        """Give the names of all red findings."""
        return frozenset(name for line in self.lines for name in line.by_name if line.red)


def judge(case: Case, demand: Demand) -> Verdict:
    """Ask every invariant, and hold the run to what was demanded of it."""
    faults = Counter(fault.kind for fault in case.evidence.faults)
    events = len(
        {(record.tenant, record.source, record.id, record.key) for record in case.evidence.produced if record.id}
    )
    invalid = []
    if events < max(1, demand.events_min):
        invalid.append(f"{events} events were sent, {max(1, demand.events_min)} are needed")
    if faults.total() < demand.faults_min:
        invalid.append(f"{faults.total()} faults happened, {demand.faults_min} are needed")
    missing = sorted(demand.kinds - faults.keys())
    if missing:
        invalid.append(f"these kinds of fault never happened: {', '.join(missing)}")
    return Verdict(events, len(case.evidence.journal), dict(faults), tuple(_lines(case)), tuple(invalid))


def _lines(case: Case) -> Iterator[Line]:
    for invariant in INVARIANTS:
        tally = Tally()
        first: list[Finding] = []
        red: Counter[str] = Counter()
        notes = 0
        for finding in invariant.check(case, tally):
            assert finding.invariant in invariant.names, finding
            if finding.severity == "note":
                notes += 1
            else:
                red[finding.invariant] += 1
            if len(first) < SHOWN_MAX:
                first.append(finding)
        yield Line(invariant.title, tally.checked, red.total(), notes, dict(red), tuple(first))


def as_text(verdict: Verdict, *, shown: int = 5) -> str:
    """Write the verdict for a person."""
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(verdict.faults.items())) or "none"
    rows = [f"{verdict.events:,} events sent, {verdict.applied:,} journal rows; faults: {faults}", ""]
    for line in verdict.lines:
        mark = "RED  " if line.red else "green"
        notes = f", {line.notes:,} notes" if line.notes else ""
        rows.append(f"{mark}  {line.title:<42} {line.checked:>10,} checked  {line.red:>6,} findings{notes}")
    for line in verdict.lines:
        for finding in line.first[:shown]:
            rows += ["", f"{finding.invariant} ({finding.severity}): {finding.what}", f"  where: {finding.where}"]
        rest = line.red + line.notes - min(shown, len(line.first))
        if rest > 0 and line.first:
            rows.append(f"  … and {rest:,} more under: {line.title}")
    rows += ["", *(f"INVALID: {reason}" for reason in verdict.invalid)]
    rows.append("VERDICT: green" if verdict.is_green else "VERDICT: RED")
    return "\n".join(rows)


def as_json(verdict: Verdict) -> str:
    """Write the verdict for a program."""
    return json.dumps({"green": verdict.is_green, **asdict(verdict)}, ensure_ascii=False, indent=2)
