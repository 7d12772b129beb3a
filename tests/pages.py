"""What stands on the pages for people: code blocks with their markers, links, headings. Read as CommonMark.

A comment alone before a block says what a reader need not know: `<!-- untested: why -->`, `<!-- runs -->` (Python that
is run as it stands), `<!-- runs in NAME -->` (the same, in the environment of that peer of the benchmarks),
`<!-- file NAME -->` (the reader saves it under that name), `<!-- in NAME -->` (lines of such a file).
`<!-- untested page: why -->` is for a whole page.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = tuple(
    sorted(
        page
        for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "tests/**/*.md")
        for page in ROOT.glob(pattern)
        if "_build" not in page.parts
    )
)
_COMMENT: Final = re.compile(r"\s*<!--\s*(.*?)\s*-->\s*", re.DOTALL)
_UNTESTED_PAGE: Final = "untested page:"
_PARSER: Final = MarkdownIt("commonmark").enable("table")
_LINKS: Final = frozenset(("link_open", "image"))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its first word, its text, the line of its fence, and the comment alone before it."""

    page: Path
    line: int
    language: str
    text: str
    marker: str

    def __str__(self) -> str:
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Page:
    """A page as its tokens say; `untested` is why its blocks are not tested, else empty."""

    path: Path
    blocks: tuple[Block, ...]
    links: tuple[str, ...]
    codes: tuple[str, ...]
    anchors: frozenset[str]
    untested: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))


def read_page(path: Path) -> Page:
    """Read a page."""
    tokens = _PARSER.parse(path.read_text("utf-8"))
    comments = [found[1] for token in tokens if token.type == "html_block" and (found := _comment(token))]
    whys = [comment for comment in comments if comment.startswith(_UNTESTED_PAGE)]
    inner = [child for token in tokens for child in token.children or ()]
    return Page(
        path=path,
        blocks=tuple(_blocks(path, tokens)),
        links=tuple(str(each.attrs.get("href") or each.attrs["src"]) for each in inner if each.type in _LINKS),
        codes=tuple(each.content for each in inner if each.type == "code_inline"),
        anchors=frozenset(_anchors(tokens)),
        untested=whys[0].removeprefix(_UNTESTED_PAGE).strip() if whys else "",
    )


def load_generator(name: str) -> ModuleType:
    """Load a script of docs/ that writes pages."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _blocks(path: Path, tokens: list[Token]) -> Iterator[Block]:
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "fence":
            assert token.map is not None
            found = _comment(before) if before is not None and before.type == "html_block" else None
            language = token.info.split()[0] if token.info.strip() else ""
            yield Block(path, token.map[0] + 1, language, token.content, found[1] if found else "")


def _comment(token: Token) -> re.Match[str] | None:
    return _COMMENT.fullmatch(token.content)


def _anchors(tokens: list[Token]) -> Iterator[str]:
    """Give the anchors of the headings, as GitHub and MyST make them; a repeated one gets a number."""
    seen: dict[str, int] = {}
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            words = "".join(child.content for child in token.children or ())
            slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            number = seen.get(slug, 0)
            seen[slug] = number + 1
            yield f"{slug}-{number}" if number else slug
