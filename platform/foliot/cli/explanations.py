"""`foliot explain`."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Final

import orjson
import typer
from rich.text import Text

from foliot.analysis import check_example
from foliot.cli.answers import Answer, Table
from foliot.cli.snippets import tell
from foliot.definition import CODES
from foliot.errors import FoliotError
from foliot.languages import Example, Explanation
from foliot.languages import explain as explain_diagnostic

_WIDTH: Final = 90


class UnknownCode(FoliotError):
    """There is no such code."""

    code: ClassVar[str] = "unknown_code"
    remedy: ClassVar[str] = "`foliot explain` lists all codes."


def explain(
    code: Annotated[str, typer.Argument(help="A code, such as D401 or no_route; without one all are listed.")] = "",
) -> Answer:
    """Tell what a code of a diagnostic, an error or a dead letter means, and what to do."""
    # Written by docs/generate_codes.py, so that nobody has to import all packages to look up one word.
    listed: list[dict[str, str]] = orjson.loads(files("foliot.cli").joinpath("codes.json").read_bytes())
    if not code:
        rows = (*CODES.items(), *((row["code"], row["meaning"]) for row in listed))
        return Answer({"codes": [row[0] for row in rows]}, (Table(("code", "what it means"), rows),))
    if code.upper() in CODES:
        page = explain_diagnostic(code.upper())
        return Answer(_data(page), tuple(_page(page)))
    meanings = [row for row in listed if row["code"] == code.lower()]
    if not meanings:
        near = _nearest(code, {each.casefold(): each for each in (*CODES, *(row["code"] for row in listed))})
        remedy = f"Did you mean {near!r}?" if near else ""
        raise UnknownCode(f"there is no code {code!r}", where="foliot explain", remedy=remedy)
    return Answer({"code": code.lower(), "meanings": meanings}, tuple(_meanings(meanings)))


def _nearest(code: str, known: Mapping[str, str]) -> str:
    """Find the first code that begins so, else the one that is most like it; `known` are those in small letters."""
    word = code.casefold()
    beginning = (small for small in known if small.startswith(word))
    near = next(beginning, None) or next(iter(difflib.get_close_matches(word, known, n=1)), "")
    return known.get(near, "")


def _meanings(meanings: list[dict[str, str]]) -> Iterator[Text | str]:
    for row in meanings:
        yield Text.assemble((row["code"], "bold"), f"  {row['part']}")
        yield from (_wrapped(row["meaning"]), _wrapped(row["remedy"]))


def _page(page: Explanation) -> Iterator[Text | str]:
    yield Text(f"{page.code}: {page.headline}", "bold")
    yield f"\n{_wrapped(page.meaning)}\n\n{_wrapped(page.reason)}\n"
    yield Text("Wrong:", "bold")
    yield _indented(page.wrong.text)
    lowered = "".join(f" ({name} is {value} here)" for name, value in page.wrong.lowered.items())
    yield Text.assemble("\n", ("Foliot says:", "bold"), lowered)
    yield from tell(check_example(page.code, page.wrong), {page.wrong.file: page.wrong.encoded})
    yield Text("\nRight:", "bold")
    yield _indented(page.right.text)


def _data(page: Explanation) -> dict[str, Any]:
    examples = {"wrong": _example(page.code, page.wrong), "right": _example(page.code, page.right)}
    return {"code": page.code, "title": page.title, "meaning": page.meaning, "reason": page.reason, **examples}


def _example(code: str, example: Example) -> dict[str, Any]:
    found = [asdict(each) for each in check_example(code, example)]
    return {"file": example.file, "text": example.text, "diagnostics": found}


def _wrapped(text: str) -> str:
    return "\n\n".join(textwrap.fill(paragraph, _WIDTH) for paragraph in text.split("\n\n"))


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "    ")
