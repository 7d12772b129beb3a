"""How outputs on pages are compared, and how changes are made: what differs by nature fits, all else does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import Block
from sessions import Session, change, commands_of, fits


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ("born  2026-11-21 23:50:53.525", "born   2027-01-01 00:00:00.001"),
        ("01a20085-1623-7f09-ba3d-13f39af4e121 lies", "11111111-2222-7f09-ba3d-13f39af4e121 lies"),
        ("at 127.0.0.1:23766", "at 127.0.0.1:1024"),
        ("5 passed in 0.12s", "5 passed in 10.5s"),
        ("postgres  …  ready", "postgres  4711  ready"),
        ("a\n…\nz", "a\nb\nc\nz"),
        ("a\n…\nz", "a\nz"),
        ("", "\n"),
    ],
)
def test_what_differs_by_nature_fits(shown: str, came: str) -> None:
    assert fits(shown, came)


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ("configuration  waiting", "configuration  working"),
        ("5 passed in 0.12s", "4 passed in 0.12s"),
        ("a\nz", "a\nb\nz"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a\n…\nz", "a\nb"),
        ("postgres  …  ready", "postgres\n4711  ready"),
        ("", "something"),
    ],
)
def test_what_says_something_else_does_not_fit(shown: str, came: str) -> None:
    assert not fits(shown, came)


def test_a_block_gives_its_commands_with_their_outputs() -> None:
    text = "$ one \\\n  more\nsaid\nagain\n$ two\n"

    assert list(commands_of(text)) == [("one \\\n  more", "said\nagain"), ("two", "")]


def test_a_diff_changes_the_file_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")

    file, content = change("--- a.txt\n+++ a.txt\n@@ here @@\n one\n-two\n+2\n+and a half\n", tmp_path)

    assert (file, content) == (tmp_path / "a.txt", "one\n2\nand a half\nthree\n")


def test_a_diff_of_lines_that_are_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")

    with pytest.raises(AssertionError, match="0 times"):
        change("--- a.txt\n+++ a.txt\n@@ here @@\n-two\n+2\n", tmp_path)


def test_an_output_that_the_page_does_not_show_fails(tmp_path: Path) -> None:
    session = Session(tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    block = Block(tmp_path / "page.md", 1, "console", "$ echo hello\ngoodbye\n", "")

    with pytest.raises(AssertionError, match="goodbye"):
        session.follow(block)


def test_a_session_stays_where_a_command_went(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    session = Session(tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})

    session.type("cd below")

    assert session.type("basename $PWD") == "below\n"
