"""A diagnostic is shown as compilers do: one line to find it by, the source with a caret, and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from foliot.cli import run
from foliot.cli.snippets import tell
from foliot.definition import Diagnostic, check

HEAD = "foliot: 1\nid: m\n"


def shown(text: str | bytes) -> list[str]:
    """Tell of a text as in a pipe."""
    encoded = text if isinstance(text, bytes) else text.encode()
    return [line.plain for line in tell(check(encoded, filename="m.yaml"), {"m.yaml": encoded})]


def test_the_caret_stands_under_the_place() -> None:
    lines = shown(f"{HEAD}colour: green\n")

    assert lines == [
        "m.yaml:3:1: error D201: The key 'colour' is not known here. [colour]",
        "  3 | colour: green",
        "    | ^",
        *lines[3:],
    ]


def test_the_caret_stands_under_the_place_behind_wide_characters_and_tabs() -> None:
    lines = shown('{\t"foliot": 1, "id": "m", "description": "門門", "colour": 1}')

    assert lines[1] == '  1 | { "foliot": 1, "id": "m", "description": "門門", "colour": 1}'
    assert lines[2].index("^") == lines[1].index('"colour"') + 2


def test_a_byte_order_mark_does_not_move_the_caret() -> None:
    lines = shown(b"\xef\xbb\xbffoliot: 2\nid: m\n")

    assert lines[1:3] == ["  1 | foliot: 2", "    |         ^"]


def test_a_long_line_is_cut_around_the_place() -> None:
    lines = shown(f"{HEAD}context: {{initial: {{a: '{'x' * 300}', b: .inf, c: '{'y' * 300}'}}}}\n")

    assert lines[1].startswith("  3 | …xxx")
    assert lines[1].endswith("yyy…")
    assert len(lines[1]) < 120
    assert lines[1][lines[2].index("^") :].startswith(".inf")


def test_what_would_steer_a_terminal_is_shown_as_an_escape() -> None:
    lines = shown(f"{HEAD}description: 'a\u202eb' \n'c\u202ed': 1\n")

    assert "\u202e" not in "".join(lines)
    assert r"c\u202ed" in lines[1]


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
def test_a_text_whose_lines_end_in_other_ways_is_told_of_without_its_source(end: str) -> None:
    lines = shown(f"foliot: 1{end}id: m\ncolour: green\nsize: large\n")

    assert [line for line in lines if " | " in line] == []
    assert lines[0].startswith("m.yaml:3:1: error D201: The key 'colour'")


def test_lines_may_end_as_on_windows() -> None:
    lines = shown("foliot: 1\r\nid: M\r\n")

    assert lines[1:3] == ["  2 | id: M", "    |     ^"]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"id: \xff"])
def test_a_place_without_a_line_is_told_of_without_one(text: bytes) -> None:
    assert shown(text)[0].startswith("m.yaml:1:")


@pytest.mark.parametrize("line", [1, 9])
def test_a_place_beyond_the_text_is_told_of_without_a_line(line: int) -> None:
    beyond = Diagnostic("D101", "error", "m.yaml", line, 9, "", "What.", "")

    assert [text.plain for text in tell([beyond], {"m.yaml": b"id: m\n"})] == [f"m.yaml:{line}:9: error D101: What."]


@pytest.mark.parametrize(("terminal", "coloured"), [(True, True), (False, False)])
def test_colours_are_for_terminals(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    terminal: bool,
    coloured: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    Path("m.yaml").write_text(f"{HEAD}colour: green\n")

    run(["check", "m.yaml"])

    assert ("\x1b[" in capsys.readouterr().out) == coloured
