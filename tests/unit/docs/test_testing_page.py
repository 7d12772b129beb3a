"""The page about tests is done word for word: it needs no server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pages import ROOT, read_page
from sessions import Session


def test_what_the_page_about_tests_shows_is_what_comes(tmp_path: Path) -> None:
    path = os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin"))
    reader = Session(tmp_path, {"HOME": str(tmp_path), "PATH": path, "LANG": "C.UTF-8"})
    blocks = read_page(ROOT / "docs" / "how-to" / "test-a-machine.md").blocks

    for block in blocks:
        reader.follow(block)

    assert sum(block.language == "console" for block in blocks) == 7
