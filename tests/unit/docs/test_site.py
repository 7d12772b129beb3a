"""The site builds without a warning, needs nothing from elsewhere, and does not build with a fault in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

DOCS = ROOT / "docs"
_LOADED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']([^"']+)|<link\b([^>]*)>""")
_HREF = re.compile(r"""\bhref=["']([^"']+)""")
_FROM_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?([^"')]+)""")


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(source), str(site)],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build(DOCS, folder)
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))

    loaded = [each for page in pages for each in loaded_by(page.read_text("utf-8"))]
    loaded += [each for style in styles for each in _FROM_STYLES.findall(style.read_text("utf-8"))]

    assert len(pages) > 25
    assert len(loaded) > len(pages)
    assert [each for each in loaded if re.match(r"(?:[a-z]+:)?//", each)] == []


def loaded_by(html: str) -> list[str]:
    """Give what a browser fetches to show a page; what a reader may click on is another matter."""
    found = []
    for source, link in _LOADED.findall(html):
        href = _HREF.search(link)
        found += [source] if source else [href[1]] if href and "stylesheet" in link else []
    return found


def test_what_a_page_loads_is_seen() -> None:
    html = '<link rel="stylesheet" href="https://fonts.example/a.css"/><script src="//cdn.example/b.js"></script>'

    assert loaded_by(html) == ["https://fonts.example/a.css", "//cdn.example/b.js"]


def test_a_broken_link_a_missing_heading_and_a_lonely_page_are_errors(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    shutil.copy(DOCS / "conf.py", source)
    (source / "index.md").write_text(
        "# Home\n[a](nowhere.md) [b](other.md#nothing)\n\n```{toctree}\nother\n```\n", encoding="utf-8"
    )
    (source / "other.md").write_text("# Other\n", encoding="utf-8")
    (source / "lonely.md").write_text("# Lonely\n", encoding="utf-8")

    built = build(source, tmp_path / "site")

    assert built.returncode != 0
    assert all(fault in built.stderr for fault in ("nowhere.md", "nothing", "lonely.md"))
