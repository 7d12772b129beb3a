"""What is written for people: nothing in it steers a terminal, and long calls tell how far they are."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from foliot.cli.answers import write_error
from foliot.cli.progress import Progress
from foliot.cli.wording import json_text, visible, visible_bytes
from foliot.errors import FoliotError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("plain – ünï", "plain – ünï"),
        ("a\nb\x1b[2J", r"a\nb\x1b[2J"),
        ("right\u202eleft", r"right\u202eleft"),
        ("x" * 9, "xxxxx…"),
    ],
)
def test_a_text_is_shown_on_one_line_without_control_characters(text: str | None, shown: str) -> None:
    assert visible(text, chars_max=5 if text and text.startswith("x") else 0) == shown


def test_bytes_that_are_no_text_are_shown_as_escapes_and_what_is_cut_off_is_counted() -> None:
    assert visible_bytes(b"caf\xe9\x00", bytes_max=9) == r"caf\xe9\x00"
    assert visible_bytes(b"abcdef", bytes_max=4) == "abcd… (2 bytes more)"


def test_json_keeps_its_lines_and_nothing_else_that_moves_the_cursor() -> None:
    assert json_text({"b": "\x1b\u202e", "a": 1}).splitlines() == ["{", '  "a": 1,', '  "b": "\\u001b\\u202e"', "}"]


def test_a_refusal_that_tells_a_strangers_text_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write_error(FoliotError("the header ce_\x1b[2J is there twice\nand more", where="\x9b"), as_json=False)

    assert capsys.readouterr().err.splitlines() == [
        r"error at \x9b: the header ce_\x1b[2J is there twice",
        "and more",
    ]


def test_progress_is_told_on_a_terminal_after_a_second_and_wiped_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([10.0, 10.5, 11.2, 11.25, 11.5, 11.7])
    monkeypatch.setattr("foliot.cli.progress.time", SimpleNamespace(monotonic=lambda: next(now)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    with Progress("redriving") as told:
        for done in range(1, 5):
            told.tell(done, 4)
        told.tell(5_000, None)

    shown = (
        "redriving [##########----------] 2 of 4",
        "redriving [####################] 4 of 4",
        "redriving 5,000",
        "",
    )
    assert capsys.readouterr().err == "".join(f"\r\x1b[K{line}" for line in shown)


def test_progress_says_nothing_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([10.0, 12.0])
    monkeypatch.setattr("foliot.cli.progress.time", SimpleNamespace(monotonic=lambda: next(now)))

    with Progress("redriving") as told:
        told.tell(1, 2)

    assert capsys.readouterr().err == ""
