"""Diagnostics for people: the line of a compiler, the source with a caret under the place, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from foliot.cli.wording import visible
from foliot.definition import Diagnostic

_CHARS_MAX: Final = 100
_CHARS_BEFORE_MAX: Final = 70
# YAML ends a line at each of these, JSON at none of them: such a text is not shown rather than shown wrongly.
_OTHER_ENDS: Final = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_STYLES: Final = {"error": "bold red", "warning": "bold yellow"}


def tell(found: Sequence[Diagnostic], texts: Mapping[str, bytes]) -> Iterator[Text]:
    """Tell of each diagnostic; `texts` are the files by the names that the diagnostics give them."""
    lines = {file: _lines(texts[file]) for file in {diagnostic.file for diagnostic in found}}
    for diagnostic in found:
        yield _head(diagnostic)
        yield from _snippet(diagnostic, lines[diagnostic.file])
        if diagnostic.remedy:
            yield Text(f"    {visible(diagnostic.remedy)}")


def _lines(text: bytes) -> list[str]:
    content = text.decode("utf-8-sig", "replace")
    return [] if _OTHER_ENDS.search(content) else [line.removesuffix("\r") for line in content.split("\n")]


def _head(diagnostic: Diagnostic) -> Text:
    place = f"{visible(diagnostic.file)}:{diagnostic.line}:{diagnostic.column}:"
    path = f" [{visible(diagnostic.path)}]" if diagnostic.path else ""
    return Text.assemble(
        (place, "bold"),
        " ",
        (f"{diagnostic.severity} {diagnostic.code}", _STYLES[diagnostic.severity]),
        f": {visible(diagnostic.what)}",
        (path, "dim"),
    )


def _snippet(diagnostic: Diagnostic, lines: Sequence[str]) -> Iterator[Text]:
    """Show the line, cut around the place where it is long; nothing where the place is not in it."""
    line = lines[diagnostic.line - 1] if diagnostic.line <= len(lines) else ""
    at = diagnostic.column - 1
    if not line.strip() or at > len(line):
        return
    begin = max(0, at - _CHARS_BEFORE_MAX)
    end = begin + _CHARS_MAX
    before = f"{'…' if begin else ''}{_shown(line[begin:at])}"
    after = f"{_shown(line[at:end])}{'…' if end < len(line) else ''}"
    number = f"  {diagnostic.line}"
    yield Text.assemble((f"{number} | ", "blue"), before, after)
    caret = f"{' ' * cell_len(before)}^"
    yield Text.assemble((f"{' ' * len(number)} | ", "blue"), (caret, _STYLES[diagnostic.severity]))


def _shown(part: str) -> str:
    return visible(part.replace("\t", " "))
