"""`foliot check`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from foliot.cli.answers import Answer
from foliot.cli.files import read_file
from foliot.definition import Diagnostic
from foliot.definition import check as check_text
from foliot.errors import Refusal

Files: TypeAlias = Annotated[list[Path], typer.Argument(help="YAML or JSON; - is standard input.")]


class Format(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"


def check(
    files: Files,
    *,
    format: Annotated[Format, typer.Option("--format", help="json: as --json.")] = Format.TEXT,  # noqa: A002 - its name
) -> Answer:
    """Tell everything that is wrong with definitions, file by file; nothing is published."""
    found = [diagnostic for file in files for diagnostic in check_text(read_file(file), filename=str(file))]
    return diagnosed(found, len(files), as_json=format is Format.JSON)


def diagnosed(found: list[Diagnostic], file_count: int, *, as_json: bool = False) -> Answer:
    """Answer with diagnostics: red where one of them is an error."""
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    files = f"{file_count} {'file' if file_count == 1 else 'files'}"
    refusal = None
    if errors:
        count = f"{len(errors)} {'error' if len(errors) == 1 else 'errors'}"
        wrong = len({diagnostic.file for diagnostic in errors})
        refusal = Refusal(
            "definition_refused",
            f"{count} in {wrong} of {files}",
            ", ".join(dict.fromkeys(diagnostic.file for diagnostic in errors)),
            "Mend what is named above.",
        )
    lines = tuple(str(diagnostic) for diagnostic in found) or (f"no fault in {files}",)
    return Answer({"diagnostics": found}, lines, refusal, as_json)
