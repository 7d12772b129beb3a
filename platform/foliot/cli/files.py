"""Files that commands are given, and those that they write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from foliot.errors import FoliotError

_BYTES_MAX: Final = 16 * 1024 * 1024


class FileUnreadable(FoliotError):
    """A file cannot be read."""

    code: ClassVar[str] = "file_unreadable"
    remedy: ClassVar[str] = "Name a file that exists and that you may read."


class FileUnwritable(FoliotError):
    """A file cannot be written."""

    code: ClassVar[str] = "file_unwritable"
    remedy: ClassVar[str] = "Name a file that you may write."


def read_file(file: Path) -> bytes:
    """Read a file, or standard input where it is `-`.

    Raises:
        FileUnreadable: it is not there, no file, or absurdly large.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read(_BYTES_MAX)
    try:
        if file.stat().st_size > _BYTES_MAX:
            raise FileUnreadable(
                f"the file is larger than {_BYTES_MAX} bytes", where=str(file), remedy="Name a smaller file."
            )
        return file.read_bytes()
    except OSError as error:
        raise FileUnreadable(error.strerror or str(error), where=str(file)) from error


def open_file(file: Path) -> BinaryIO:
    """Open a file that may be of any length, to be read.

    Raises:
        FileUnreadable: it is not there, or no file.
    """
    try:
        return file.open("rb")
    except OSError as error:
        what = error.strerror or str(error)
        raise FileUnreadable(what, where=str(file)) from error


def make_file(file: Path) -> BinaryIO:
    """Open a file to be written, over what was there.

    Raises:
        FileUnwritable: it cannot be written.
    """
    try:
        return file.open("wb")
    except OSError as error:
        what = error.strerror or str(error)
        raise FileUnwritable(what, where=str(file)) from error


def write_file(file: Path, text: str) -> None:
    """Write a text to a file, over what was there.

    Raises:
        FileUnwritable: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        what = error.strerror or str(error)
        raise FileUnwritable(what, where=str(file)) from error
