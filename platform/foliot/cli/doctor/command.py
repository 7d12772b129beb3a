"""`foliot doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from typing import Final, TypeAlias

from rich.text import Text

from foliot.cli.addresses import read_settings
from foliot.cli.answers import Answer, View
from foliot.cli.doctor.findings import Finding, failure
from foliot.cli.doctor.front_doors import check_front_doors
from foliot.cli.doctor.machine import check_machine
from foliot.cli.doctor.postgres import check_postgres
from foliot.cli.wording import visible
from foliot.errors import FoliotError, Refusal
from foliot.settings import Settings

GROUP: Final = "foliot.checks"

Check: TypeAlias = Callable[[Settings], Iterable[Finding]]

_OWN: Final[tuple[tuple[str, Check], ...]] = (
    ("postgres", check_postgres),
    ("api", check_front_doors),
    ("machine", check_machine),
)
_STYLES: Final = {"ok": "green", "warning": "yellow", "failure": "bold red"}


def doctor() -> Answer:
    """Look at every part and setting that the promises rest on; exit code 1 where one of them does not hold."""
    settings = read_settings()
    findings = tuple(finding for part, check in _checks() for finding in _looked(part, check, settings))
    counts = {grade: sum(finding.grade == grade for finding in findings) for grade in _STYLES}
    refusal = None
    if counts["failure"]:
        what = f"{counts['failure']} of {len(findings)} things are not as the promises need them"
        refusal = Refusal("unhealthy", what, "", "Do what stands below each failure.")
    views: list[View] = [_line(finding) for finding in findings]
    views.append(f"{counts['ok']} ok, {counts['warning']} warnings, {counts['failure']} failures")
    return Answer({"counts": counts, "findings": findings}, tuple(views), refusal)


def _checks() -> Iterator[tuple[str, Check]]:
    yield from _OWN
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            yield entry.name, entry.load()
        except ModuleNotFoundError:
            # A part that is not installed is not there to be looked at.
            continue


def _looked(part: str, check: Check, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except FoliotError as error:
        refusal = error.refusal
        where = f" at {refusal.where}" if refusal.where else ""
        yield failure(part, "reachable", f"{refusal.code}{where}: {refusal.what}", refusal.remedy)


def _line(finding: Finding) -> Text:
    line = Text.assemble(
        (f"{finding.grade:<8}", _STYLES[finding.grade]),
        f"{finding.part:<9}{finding.what}: {visible(finding.says)}",
    )
    return line.append(f"\n{'':17}{visible(finding.remedy)}", "dim") if finding.remedy else line
