"""Reading and writing evidence: a directory of JSONL files, one for each table or log."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any, Final, Generic, TypeVar

from checker.model import (
    AlarmRow,
    BatchRow,
    ChangeRecord,
    CursorRow,
    DeadLetter,
    Fault,
    HeadRow,
    InstallationRow,
    InstanceRow,
    IntakeRow,
    JournalRow,
    MachineRow,
    OffsetRow,
    OutboxRow,
    Produced,
    QueuedRow,
    RelayRow,
    Seen,
    TenantRow,
    TimerRow,
    VersionRow,
)

RowT = TypeVar("RowT")

OPTIONAL: Final = frozenset({"faults"})
"""Evidence whose absence is no hole. Every other file must exist, though it may be empty."""

MAY_BE_WAIVED: Final = frozenset({"sink", "changes"})
"""Evidence that a caller may do without, by saying so."""


class EvidenceInvalid(Exception):
    """The evidence cannot be judged: a file is missing, or a line is not what it should be."""


@dataclass
class Evidence:
    """Everything that is known of a run, in the order of the files."""

    produced: list[Produced] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    changes: list[ChangeRecord] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    batches: list[BatchRow] = field(default_factory=list)
    instances: list[InstanceRow] = field(default_factory=list)
    pending: list[QueuedRow] = field(default_factory=list)
    held: list[QueuedRow] = field(default_factory=list)
    heads: list[HeadRow] = field(default_factory=list)
    cursors: list[CursorRow] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    intakes: list[IntakeRow] = field(default_factory=list)
    offsets: list[OffsetRow] = field(default_factory=list)
    unsent: list[OutboxRow] = field(default_factory=list)
    relays: list[RelayRow] = field(default_factory=list)
    timers: list[TimerRow] = field(default_factory=list)
    alarms: list[AlarmRow] = field(default_factory=list)
    versions: list[VersionRow] = field(default_factory=list)
    tenants: list[TenantRow] = field(default_factory=list)
    machines: list[MachineRow] = field(default_factory=list)
    installation: list[InstallationRow] = field(default_factory=list)
    waived: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source(Generic[RowT]):
    """A JSONL file: its name without the suffix, the class of its rows, and the list of `Evidence` that it fills."""

    file: str
    row: Callable[..., RowT]
    place: str


SOURCES: Final[tuple[Source[Any], ...]] = (
    Source("producer", Produced, "produced"),
    Source("sink", Seen, "seen"),
    Source("changes", ChangeRecord, "changes"),
    Source("faults", Fault, "faults"),
    Source("journal", JournalRow, "journal"),
    Source("batches", BatchRow, "batches"),
    Source("instances", InstanceRow, "instances"),
    Source("inbox", QueuedRow, "pending"),
    Source("held", QueuedRow, "held"),
    Source("heads", HeadRow, "heads"),
    Source("cursors", CursorRow, "cursors"),
    Source("dead_letters", DeadLetter, "dead_letters"),
    Source("intakes", IntakeRow, "intakes"),
    Source("offsets", OffsetRow, "offsets"),
    Source("outbox", OutboxRow, "unsent"),
    Source("relays", RelayRow, "relays"),
    Source("timers", TimerRow, "timers"),
    Source("alarms", AlarmRow, "alarms"),
    Source("versions", VersionRow, "versions"),
    Source("tenants", TenantRow, "tenants"),
    Source("machines", MachineRow, "machines"),
    Source("installation", InstallationRow, "installation"),
)


def read_evidence(folder: Path, *, waived: frozenset[str] = frozenset()) -> Evidence:
    """Read a directory of evidence.

    Raises:
        EvidenceInvalid: a needed file is missing, or a line cannot be read; the message names file and line.
    """
    evidence = Evidence(waived=waived)
    for source in SOURCES:
        path = folder / f"{source.file}.jsonl"
        if path.exists():
            setattr(evidence, source.place, list(_rows(path, source)))
        elif source.file not in OPTIONAL | waived:
            raise EvidenceInvalid(f"{path} is missing")
    if len(evidence.installation) != 1:
        raise EvidenceInvalid(f"{folder / 'installation.jsonl'} must have exactly one line")
    return evidence


def write_evidence(folder: Path, evidence: Evidence) -> None:
    """Write evidence as `read_evidence` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        with (folder / f"{source.file}.jsonl").open("w", encoding="utf-8") as file:
            for row in getattr(evidence, source.place):
                file.write(json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n")


def _rows(path: Path, source: Source[RowT]) -> Iterator[RowT]:
    """Read a file line by line; columns that the row's class does not have are left out."""
    fields = dataclasses.fields(source.row)  # type: ignore[arg-type]  # every row is a dataclass
    names = [each.name for each in fields]
    needed = frozenset(each.name for each in fields if each.default is dataclasses.MISSING)
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                found = json.loads(line)
            except ValueError as error:
                raise EvidenceInvalid(f"{path}, line {number}: no JSON: {error}") from error
            if not isinstance(found, dict) or not needed <= found.keys():
                lacking = sorted(needed - found.keys()) if isinstance(found, dict) else sorted(needed)
                raise EvidenceInvalid(f"{path}, line {number}: lacks {', '.join(lacking)}")
            yield source.row(**{name: _shared(found[name]) for name in names if name in found})


def _shared(value: Any) -> Any:
    """Keep one copy of a short text: types, sources and keys repeat a million times."""
    return intern(value) if isinstance(value, str) and len(value) <= 64 else value
