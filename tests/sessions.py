"""Sessions on pages: what a reader types is run, and what the page shows is compared with what comes.

In a `console` block a line after `$ ` is a command and the lines below it are its output; a `diff` block is a change
that the reader makes by hand. In an output `…` stands for any text and, alone in a line, for any lines. Times, ids,
ports and fractions differ from day to day, so that one is as good as another; how far columns stand apart, likewise.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pages import Block

_COMMAND_S_MAX: Final = 120
_LOOK_S_MAX: Final = 120.0
_LOOK_AGAIN_S: Final = 0.3
_LOOKS: Final = ("foliot show", "foliot history", "foliot dead-letters list", "foliot status")
"""Commands that only look. An event is on its way for a moment after `send`, so they are called until it has come."""
_DIFFERS: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])"), "FRACTION"),
    (re.compile(r"\s+"), " "),
)


@dataclass(slots=True)
class Session:
    """A reader's shell: where it stands, and its environment. Whatever a command leaves running is the page's."""

    folder: Path
    environment: Mapping[str, str]
    _where: Path = field(init=False)

    def __post_init__(self) -> None:
        self._where = Path(self.environment["HOME"]) / ".where"

    def follow(self, block: Block) -> None:
        """Do what a block says; a block of another language is only read.

        Raises:
            AssertionError: another output came than the page shows, or its diff does not fit the file.
        """
        if block.language == "console":
            for command, shown in commands_of(block.text):
                self._expect(command, shown, block)
        elif block.language == "diff":
            file, changed = change(block.text, self.folder)
            file.write_text(changed, "utf-8")
        elif block.marker.startswith("file "):
            (self.folder / block.marker.removeprefix("file ")).write_text(block.text, "utf-8")
        elif block.marker.startswith("in "):
            file = self.folder / block.marker.removeprefix("in ")
            assert block.text in file.read_text("utf-8"), f"{block}: these lines do not stand in {file.name}"

    def _expect(self, command: str, shown: str, block: Block) -> None:
        until = time.monotonic() + (_LOOK_S_MAX if command.startswith(_LOOKS) else 0)
        while not fits(shown, came := self.type(command)):
            assert time.monotonic() < until, f"{block}: $ {command}\n--- the page\n{shown}\n--- this time\n{came}"
            time.sleep(_LOOK_AGAIN_S)

    def type(self, command: str) -> str:
        """Run a command where the last one ended, and give what a terminal would show."""
        script = f"trap 'pwd > \"$0\"' EXIT\n{command}"
        ran = subprocess.run(
            ("bash", "-c", script, str(self._where)),  # noqa: S607 - the reader's shell
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_COMMAND_S_MAX,
        )
        self.folder = Path(self._where.read_text("utf-8").rstrip("\n"))
        return ran.stdout


def commands_of(text: str) -> Iterator[tuple[str, str]]:
    """Give each command of a console block with its output; a command goes on in the next line after a backslash."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        ends = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[: ends + 1]), "\n".join(lines[ends + 1 :])


def fits(shown: str, came: str) -> bool:
    """Tell whether an output is one that the page shows."""
    pattern = "".join("(?:.*\n)*" if line == "…" else f"{_pattern(line)}\n" for line in _lines(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(came))) is not None


def change(text: str, folder: Path) -> tuple[Path, str]:
    """Give the file that a diff names, and its content after the change.

    Raises:
        AssertionError: the lines that it changes do not stand there, or at more than one place.
    """
    head, *hunks = re.split(r"^@@.*\n", text, flags=re.MULTILINE)
    file = folder / re.search(r"^\+\+\+ (.*)$", head, re.MULTILINE)[1]  # type: ignore[index] # a test may fail so
    content = file.read_text("utf-8")
    for hunk in hunks:
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        assert content.count(old) == 1, f"{file.name} has this {content.count(old)} times:\n{old}"
        content = content.replace(old, new)
    return file, content


def _lines(text: str) -> list[str]:
    lines = []
    for line in text.strip().splitlines():
        for differs, name in _DIFFERS:
            line = differs.sub(name, line)  # noqa: PLW2901 - each pass works on what the last one left
        lines.append(line.strip())
    return lines


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("…"))
