"""What each diagnostic means: a page for each code in `explanations/`, with an example that is wrong and one mended.

A page is Markdown: what the code means, `## Why`, `## Wrong` and `## Right`. The examples are texts of whole machines.
The opening line of an example says what its text does not show: `hl_lines` the line of the fault, `limits` a limit that
is lowered so that the example can be short, `encoding` how its bytes are written, `also` a code that comes along,
`file` what it is called where its language does not tell.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from foliot.definition import CODES, Diagnostic, Limits
from foliot.languages.reading import check

_EXAMPLE: Final = r"```(yaml|json|xml|text)((?: [a-z_]+=\"[^\"\n]*\")*)\n(.*?)```\n"
_SUFFIXES: Final = {"xml": "scxml", "text": "arrows"}
_PAGE: Final = re.compile(rf"(.+?)\n## Why\n(.+?)\n## Wrong\n{_EXAMPLE}\n## Right\n{_EXAMPLE}", re.DOTALL)
_OPTION: Final = re.compile(r" ([a-z_]+)=\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Example:
    """The text of a machine.

    `language` is what its block of code is marked with, `line` where its fault is told, 0 where there is none;
    `also` is told beside it.
    """

    file: str
    language: str
    text: str
    line: int
    limits: Limits
    encoding: str
    also: str

    def check(self) -> tuple[Diagnostic, ...]:
        """Tell what is wrong with it."""
        return check(self.encoded, filename=self.file, limits=self.limits)

    @property
    def encoded(self) -> bytes:
        """Its bytes, as they would be in a file."""
        return self.text.encode(self.encoding)

    @property
    def lowered(self) -> dict[str, int]:
        """The limits that are not the usual ones here."""
        usual = dataclasses.asdict(Limits())
        return {name: value for name, value in dataclasses.asdict(self.limits).items() if value != usual[name]}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A page. `meaning` and `reason` are Markdown, one line for each paragraph."""

    code: str
    title: str
    meaning: str
    reason: str
    wrong: Example
    right: Example

    @property
    def headline(self) -> str:
        """The title as a sentence."""
        return f"{self.title[0].upper()}{self.title[1:]}."


def explain(code: str) -> Explanation:
    """Read the page of a code.

    Raises:
        KeyError: `CODES` has no such code.
    """
    title = CODES[code]
    page = files("foliot.languages").joinpath("explanations", f"{code}.md").read_text("utf-8")
    found = _PAGE.fullmatch(page)
    # A page comes with the code; only our own mistake could break it.
    assert found is not None, f"{code}.md is not a page"  # noqa: S101
    meaning, reason, *examples = found.groups()
    wrong, right = _example(*examples[:3]), _example(*examples[3:])
    return Explanation(code, title, _paragraphs(meaning), _paragraphs(reason), wrong, right)


def _example(language: str, options: str, text: str) -> Example:
    told = dict(_OPTION.findall(options))
    pairs = (pair.split("=") for pair in told.get("limits", "").split())
    return Example(
        file=told.get("file", f"machine.{_SUFFIXES.get(language, language)}"),
        language=language,
        text=text,
        line=int(told.get("hl_lines", 0)),
        limits=dataclasses.replace(Limits(), **{name: int(value) for name, value in pairs}),
        encoding=told.get("encoding", "utf-8"),
        also=told.get("also", ""),
    )


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
