"""What `make demo` runs, small, in a real terminal: drawn while it streams, judged at the end, nothing left running."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

CHECKER = Path(__file__).parents[2] / "checker" / "check.py"
CURSOR_HIDDEN, CURSOR_SHOWN = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def folder(servers_root: Path) -> Iterator[Path]:
    folder = servers_root / "demo"
    folder.mkdir(mode=0o755)
    yield folder
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)


@pytest.mark.slow
def test_the_demo_is_drawn_in_a_terminal_and_ends_green(folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "foliot.cli", "demo", "--records", "1500", "--rate", "300", "--checker", str(CHECKER)],
        cwd=folder,
        env={**environment, "TERM": "xterm-256color"},
        dimensions=(50, 120),
        encoding="utf-8",
        timeout=120,
    )
    try:
        child.expect_exact(CURSOR_HIDDEN)
        child.expect(r"accepted.*stepped.*critical")
        child.expect_exact(CURSOR_SHOWN)
        child.expect_exact("GREEN: nothing was lost, doubled or reordered.")
        child.expect(pexpect.EOF)
        child.wait()
    finally:
        child.close(force=True)

    assert child.exitstatus == 0
    assert [
        process for process in psutil.process_iter(["cmdline"]) if str(folder) in str(process.info["cmdline"])
    ] == []
