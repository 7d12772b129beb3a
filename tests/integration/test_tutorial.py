"""The tutorial, and pages that go on from it, are done word for word: in an empty folder, with an empty home."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pages import ROOT, read_page
from sessions import Session

DOCS = ROOT / "docs"
BEGINNING = ("foliot init desk", "cd desk", "foliot up", "foliot publish machine.yaml")
"""What the tutorial has done when its reader goes on with another page."""


@pytest.fixture
def reader() -> Iterator[Session]:
    """A reader at the beginning; afterwards nothing runs any more, whatever has failed."""
    folder = Path(tempfile.mkdtemp(prefix="foliot-reader-"))
    folder.chmod(0o755)  # another account runs PostgreSQL where this one is root
    home, desk = folder / "home", folder / "here"
    home.mkdir()
    desk.mkdir()
    path = os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin"))
    session = Session(desk, {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8"})
    yield session
    for project in desk.glob("*/.foliot"):
        session.folder = project.parent
        session.type("foliot down")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_what_the_tutorial_shows_is_what_comes(reader: Session) -> None:
    commands = follow(reader, "tutorial.md")

    assert commands >= 10
    assert left_running(reader) == []


@pytest.mark.slow
def test_what_pages_that_go_on_from_it_show_is_what_comes(reader: Session) -> None:
    for command in BEGINNING:
        reader.type(command)

    commands = [follow(reader, f"how-to/{page}.md") for page in ("write-a-producer", "define-a-route", "replay-a-log")]

    assert all(commands)
    reader.type("foliot down")
    assert left_running(reader) == []


def follow(reader: Session, page: str) -> int:
    """Do what a page says; give how many of its blocks have commands."""
    blocks = [block for block in read_page(DOCS / page).blocks if not block.marker.startswith("untested:")]
    for block in blocks:
        reader.follow(block)
    return sum(block.language == "console" for block in blocks)


def left_running(reader: Session) -> list[str]:
    """Give what runs in the reader's home."""
    found, home = [], reader.environment["HOME"]
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == home:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found
