"""`foliot init`."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from foliot.cli.answers import Answer
from foliot.cli.files import write_file, writing
from foliot.cli.language import schema_text
from foliot.definition import language_schema
from foliot.errors import FoliotError
from foliot.testing import scenario_schema

_TEMPLATES: Final = files("foliot.cli") / "project"
_FILES: Final = {
    "machine.yaml": "machine.yaml.template",
    "tests/machine.test.yaml": "tests/machine.test.yaml.template",
    "compose.yaml": "compose.yaml.template",
    "README.md": "README.md.template",
    ".gitignore": "gitignore.template",
}
"""What a new project has, and the templates of it; these end in .template so that no tool takes them for code."""
_SCHEMAS: Final = {"machine.schema.json": language_schema, "scenarios.schema.json": scenario_schema}
"""Beside these: what the first lines of machine.yaml and of its tests lead editors to."""
_NAME: Final = "PROJECT_NAME"
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")


class WouldOverwrite(FoliotError):
    """A new project would overwrite files that are there."""

    code: ClassVar[str] = "would_overwrite"
    remedy: ClassVar[str] = "Choose another directory, or move the files away."


def init(directory: Annotated[Path, typer.Argument(help="Where; it is made if it is missing.")]) -> Answer:
    """Begin a project: a machine, its tests in memory, and a compose file for all servers. Nothing is overwritten."""
    name = _NO_NAME.sub("-", directory.resolve().name.lower()).strip("-") or "machine"
    texts = {file: (_TEMPLATES / template).read_text(encoding="utf-8") for file, template in _FILES.items()}
    texts = {file: text.replace(_NAME, name) for file, text in texts.items()}
    texts |= {file: f"{schema_text(schema())}\n" for file, schema in _SCHEMAS.items()}
    there = [file for file in texts if (directory / file).exists()]
    if there:
        raise WouldOverwrite(f"there is {', '.join(there)} already", where=str(directory))
    for file, text in texts.items():
        _make_folder((directory / file).parent)
        write_file(directory / file, text)
    lines = (*(f"{directory / file}" for file in texts), f"Next: cd {directory}, and read README.md.")
    return Answer({"directory": directory, "files": list(texts)}, lines)


def _make_folder(folder: Path) -> None:
    with writing(folder, remedy="Name a directory that you may write."):
        folder.mkdir(parents=True, exist_ok=True)
