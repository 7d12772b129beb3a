"""What commands answer, and how it is written: for people on a terminal, plain in a pipe, or as one JSON envelope."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TextIO, TypeAlias

import orjson
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from foliot.cli.files import FileUnwritable
from foliot.cli.wording import visible
from foliot.errors import FoliotError, Refusal

EXIT_OK: Final = 0
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNAVAILABLE: Final = 3


class Unavailable(FoliotError):
    """Something that the command needs is not there: an address, a part, a server. Exit code 3."""

    code: ClassVar[str] = "unavailable"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


View: TypeAlias = str | Table | Text
"""A `Text` of Rich is coloured on a terminal, and never wrapped."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to: `data` for programs (anything that orjson writes), `views` for people.

    `notes` are for people, too, and stand on standard error. With a `refusal` the command was refused or found
    something red: exit code 1. `as_json` writes the envelope even where the caller did not say `--json`.
    """

    data: Any
    views: tuple[View, ...] = ()
    refusal: Refusal | None = None
    as_json: bool = False
    notes: tuple[View, ...] = ()


def write_answer(answer: Answer, *, as_json: bool) -> int:
    """Write an answer and give the exit code.

    Raises:
        BrokenPipeError: nobody reads it any more.
        FileUnwritable: standard output takes no more, as on a full disk.
    """
    as_json = as_json or answer.as_json
    try:
        if as_json:
            _write_envelope(answer.refusal, answer.data)
        else:
            for view in answer.notes:
                _write_view(view, sys.stderr)
            for view in answer.views:
                _write_view(view, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        what = error.strerror or str(error)
        raise FileUnwritable(what, where="standard output", remedy="Make room there, or write elsewhere.") from error
    if answer.refusal is None:
        return EXIT_OK
    if not as_json:
        _write_refusal(answer.refusal)
    return EXIT_REFUSED


def write_last(answer: Answer, *, as_json: bool) -> int:
    """Write an answer and give the exit code, which is the same where its reader has enough before the end."""
    try:
        write_answer(answer, as_json=as_json)
    except BrokenPipeError:
        drop_output()
    return EXIT_OK if answer.refusal is None else EXIT_REFUSED


def drop_output() -> None:
    """Lead what the interpreter still writes out at its end nowhere, since nobody reads any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_error(error: FoliotError, *, as_json: bool) -> int:
    """Write an error and give the exit code."""
    if as_json:
        _write_envelope(error.refusal, None)
    else:
        _write_refusal(error.refusal)
    return EXIT_UNAVAILABLE if error.retryable or isinstance(error, Unavailable) else EXIT_REFUSED


def write_usage(message: str) -> int:
    """Write an error of the command line as an envelope and give the exit code."""
    _write_envelope(Refusal("usage", message, "command line", "Run the command with --help."), None)
    return EXIT_USAGE


def _write_envelope(refusal: Refusal | None, data: Any) -> None:
    envelope: dict[str, Any] = {"ok": refusal is None}
    if refusal is not None:
        envelope["error"] = refusal
    if refusal is None or data is not None:
        envelope["data"] = data
    text = orjson.dumps(envelope, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    sys.stdout.write(f"{text}\n")


def _write_refusal(refusal: Refusal) -> None:
    where = f" at {refusal.where}" if refusal.where else ""
    lines = [_visible_lines(f"{refusal.code}{where}: {refusal.what}")]
    lines += [_visible_lines(refusal.remedy)] if refusal.remedy else []
    if sys.stderr.isatty():
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(lines[0], style="bold red", markup=False)
        console.print("\n".join(lines[1:]), markup=False, end="\n" if lines[1:] else "")
    else:
        sys.stderr.write("".join(f"{line}\n" for line in lines))


def _visible_lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def _write_view(view: View, stream: TextIO) -> None:
    if isinstance(view, str):
        stream.write(f"{view}\n" if view else "")
    elif isinstance(view, Text):
        _write_text(view, stream)
    elif stream.isatty():
        table = RichTable(*view.columns, box=None, pad_edge=False, header_style="bold")
        for row in view.rows:
            table.add_row(*row)
        Console(file=stream, markup=False, highlight=False).print(table)
    else:
        stream.writelines(f"{line}\n" for line in _plain(view))


def _write_text(text: Text, stream: TextIO) -> None:
    if stream.isatty():
        Console(file=stream, highlight=False).print(text, soft_wrap=True)
    else:
        stream.write(f"{text.plain}\n")


def _plain(table: Table) -> Iterator[str]:
    rows = [table.columns, *table.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
