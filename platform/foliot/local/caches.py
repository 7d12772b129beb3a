"""Where things that can be made again are kept."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's folder for downloads and copies, as the XDG base directory specification says."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path there is to be ignored, says the specification.
    above = Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".cache"
    return above / "foliot"


def cache_folder_for_all() -> Path:
    """Return root's folder for what other accounts must read."""
    return Path("/var/cache/foliot")


def in_one_piece(target: Path, make: Callable[[Path], object]) -> None:
    """Make the folder `target` by calling `make` with a path beside it; it appears whole or not at all.

    Two processes may do so at the same time: the first to finish wins.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}.part."))
    try:
        part = workshop / "content"
        make(part)
        try:
            part.rename(target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
