"""`foliot check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import orjson
import typer

from foliot import file_names
from foliot.analysis import check_strictly
from foliot.cli.answers import Answer, View
from foliot.cli.files import FileUnreadable
from foliot.cli.sarif import sarif_log
from foliot.cli.scenario_files import KeptTexts
from foliot.cli.snippets import tell
from foliot.cli.wording import counted, visible
from foliot.definition import DefinitionRefused, Diagnostic
from foliot.errors import Refusal
from foliot.languages import check as check_text
from foliot.testing import STEPS_MAX

Files: TypeAlias = Annotated[
    list[Path], typer.Argument(help="YAML, JSON, .scxml, .xstate.json, .arrows or .test.yaml; - is standard input.")
]


class Format(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    files: Files,
    *,
    format: Annotated[  # noqa: A002 - its name
        Format, typer.Option("--format", help="json: as --json. sarif: a log in SARIF 2.1.0.")
    ] = Format.TEXT,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Search through each machine for what is hardly meant; warnings are red, too."),
    ] = False,
    steps_max: Annotated[
        int, typer.Option("--steps-max", min=1, help="Steps of the search through a machine, for --strict.")
    ] = STEPS_MAX,
) -> Answer:
    """Tell everything that is wrong with definitions, file by file; nothing is published."""
    texts = KeptTexts()
    told: dict[Diagnostic, None] = {}
    unread: dict[Refusal, None] = {}
    for file in files:
        try:
            told |= dict.fromkeys(_check(texts, file, strict=strict, steps_max=steps_max))
        except FileUnreadable as error:
            unread[error.refusal] = None
    found = list(told)
    data = {"diagnostics": found, "unread": list(unread)}
    refusals = [each for each in (_refusal(found, texts.by_file, strict=strict), *unread) if each is not None]
    refusal, notes = (refusals[0] if refusals else None), tuple(visible(str(each)) for each in refusals[1:])
    match format:
        case Format.TEXT:
            views = _views(found, texts.by_file) if texts.by_file else ()
            return Answer(data, views, refusal, notes=notes)
        case Format.JSON:
            return Answer(data, refusal=refusal, as_json=True)
        case Format.SARIF:
            log = orjson.dumps(sarif_log(found), option=orjson.OPT_INDENT_2).decode()
            return Answer(data, (log,), refusal, notes=notes)


def _check(texts: KeptTexts, file: Path, *, strict: bool, steps_max: int) -> tuple[Diagnostic, ...]:
    """Check a machine, or scenarios with the machine that they name."""
    if file.name.endswith(file_names.SCENARIOS):
        try:
            texts.suites([file])
        except DefinitionRefused as error:
            return error.diagnostics
        return ()
    text = texts.fetch(str(file))
    if strict:
        return check_strictly(text, filename=str(file), steps_max=steps_max)
    return check_text(text, filename=str(file))


def diagnosed(found: Sequence[Diagnostic], texts: Mapping[str, bytes]) -> Answer:
    """Answer with the diagnostics of `texts`: red where one of them is an error."""
    return Answer({"diagnostics": found}, _views(found, texts), _refusal(found, texts))


def _views(found: Sequence[Diagnostic], texts: Mapping[str, bytes]) -> tuple[View, ...]:
    return tuple(tell(found, texts)) or (f"no fault in {counted(len(texts), 'file')}",)


def _refusal(found: Sequence[Diagnostic], texts: Mapping[str, bytes], *, strict: bool = False) -> Refusal | None:
    """Count the errors among diagnostics of `texts`, warnings too if `strict`; None where there are none."""
    errors = [diagnostic for diagnostic in found if strict or diagnostic.severity == "error"]
    if not errors:
        return None
    word = "error" if all(each.severity == "error" for each in errors) else "fault"
    wrong = dict.fromkeys(diagnostic.file for diagnostic in errors)
    return Refusal(
        "definition_refused",
        f"{counted(len(errors), word)} in {len(wrong)} of {counted(len(texts), 'file')}",
        ", ".join(wrong),
        f"Mend what is named above; `foliot explain {errors[0].code}` tells more.",
    )
