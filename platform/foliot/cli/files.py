"""Files that commands are given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar, Final

from foliot.errors import FoliotError

_BYTES_MAX: Final = 16 * 1024 * 1024


class FileUnreadable(FoliotError):
    """A file cannot be read."""

    code: ClassVar[str] = "file_unreadable"


def read_file(file: Path) -> bytes:
    """Read a file, or standard input where it is `-`.

    Raises:
        FileUnreadable: it is not there, no file, or absurdly large.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read(_BYTES_MAX)
    try:
        if file.stat().st_size > _BYTES_MAX:
            raise FileUnreadable(f"the file is larger than {_BYTES_MAX} bytes", where=str(file))
        return file.read_bytes()
    except OSError as error:
        raise FileUnreadable(
            error.strerror or str(error), where=str(file), remedy="Name a file that exists."
        ) from error
