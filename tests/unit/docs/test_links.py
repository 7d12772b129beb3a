"""Every link on every page leads somewhere: to a file of the repository, and to a heading of a page."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from pages import PAGES, ROOT, read_page


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in PAGES])
def test_every_link_leads_to_a_file_and_to_a_heading_that_is_there(path: Path) -> None:
    page = read_page(path)

    dead = [link for link in page.links if not leads_somewhere(link, path)]

    assert dead == []


def leads_somewhere(link: str, path: Path) -> bool:
    if link.startswith(("http://", "https://")):
        return True
    name, _, anchor = unquote(link).partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.is_file() or not target.is_relative_to(ROOT):
        return False
    return not anchor or target.suffix != ".md" or anchor in read_page(target).anchors


def test_a_dead_link_is_seen() -> None:
    page = ROOT / "README.md"

    assert leads_somewhere("docs/cli.md#answers-and-exit-codes", page)
    assert not leads_somewhere("docs/cli.md#no-such-heading", page)
    assert not leads_somewhere("docs/no-such-page.md", page)
    assert not leads_somewhere("docs", page)
