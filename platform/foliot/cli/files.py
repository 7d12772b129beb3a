"""Files that commands are given, and those that they write."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Say of a file that the block cannot read which it is.

    Raises:
        FileUnreadable: so it is.
    """
    try:
        yield
    except OSError as error:
        raise FileUnreadable(error.strerror or str(error), where=str(file)) from error


@contextmanager
def writing(path: Path, *, remedy: str = "") -> Iterator[None]:
    """Say of a file or folder that the block cannot write which it is.

    Raises:
        FileUnwritable: so it is.
    """
    try:
        yield
    except OSError as error:
        raise FileUnwritable(error.strerror or str(error), where=str(path), remedy=remedy) from error


def read_file(file: Path) -> bytes:
    """Read a file, or standard input where it is `-`.

    Raises:
        FileUnreadable: it is not there, no file, or absurdly large.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read(_BYTES_MAX)
    with reading(file):
        if file.stat().st_size > _BYTES_MAX:
            raise FileUnreadable(
                f"the file is larger than {_BYTES_MAX} bytes", where=str(file), remedy="Name a smaller file."
            )
        return file.read_bytes()


def open_file(file: Path) -> BinaryIO:
    """Open a file that may be of any length, to be read.

    Raises:
        FileUnreadable: it is not there, or no file.
    """
    with reading(file):
        return file.open("rb")


def make_file(file: Path) -> BinaryIO:
    """Open a file to be written, over what was there.

    Raises:
        FileUnwritable: it cannot be written.
    """
    with writing(file):
        return file.open("wb")


def write_file(file: Path, text: str) -> None:
    """Write a text to a file, over what was there.

    Raises:
        FileUnwritable: it cannot be written.
    """
    with writing(file):
        file.write_text(text, encoding="utf-8")
