"""Bad definitions with all that is told of each: the files of tests/unit/languages/refusals.

A file is a list of cases. `text` is the definition, and `says` what is shown of it. `file` is its name, by which its
language is known; `strict` asks for the strict checks too; `limits` are lowered; `encoding` is how it is saved.

Run as a program (`make refusals`) it writes anew what is told; what has changed is to be read before it is kept.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from foliot.analysis import check_strictly
from foliot.definition import Limits
from foliot.languages import check

Case: TypeAlias = Mapping[str, Any]

FILES: Final = sorted((Path(__file__).parent / "unit" / "languages" / "refusals").glob("*.yaml"))


def cases(file: Path) -> list[Case]:
    """Read the cases of a file."""
    return list(yaml.safe_load(file.read_text("utf-8")))


def told(case: Case) -> str:
    """Show what Foliot says of a case."""
    tell = check_strictly if case.get("strict") else check
    text = case["text"].encode(case["encoding"]) if "encoding" in case else case["text"]
    limits = dataclasses.replace(Limits(), **case.get("limits", {}))
    return "".join(f"{each}\n" for each in tell(text, filename=case.get("file", "m.yaml"), limits=limits))


def written(file: Path) -> str:
    """Write a file anew, with what is told now."""
    title = file.read_text("utf-8").partition("\n")[0]
    lines = ["- " + "\n  ".join(_fields({**case, "says": told(case)})) for case in cases(file)]
    return "\n".join([title, *lines, ""])


def _fields(case: Case) -> Iterator[str]:
    for name, value in case.items():
        match value:
            case str() if name in {"text", "says"}:
                yield f"{name}: {_literal(value)}"
            case str():
                yield f"{name}: {value}"
            case dict():
                yield f"{name}: {{{', '.join(f'{key}: {each}' for key, each in value.items())}}}"
            case _:
                yield f"{name}: {json.dumps(value)}"


def _literal(text: str) -> str:
    """Write a text as a block where that keeps each of its characters, else in quotes."""
    lines = text.split("\n")
    if not lines[0].strip() or any(not line.isprintable() or line != line.rstrip() for line in lines):
        return json.dumps(text)
    ends = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    body = "\n".join(f"    {line}" if line else "" for line in text.rstrip("\n").split("\n"))
    return f"|{2 if text[0] == ' ' else ''}{ends}\n{body}"


if __name__ == "__main__":
    for each in FILES:
        each.write_text(written(each), "utf-8")
