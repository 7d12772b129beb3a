"""`foliot up` on a machine with nothing, and `foliot down` leaves nothing running."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

SERVERS = {"postgres", "valkey", "kafka"}


@pytest.fixture
def folder(servers_root: Path) -> Iterator[Path]:
    folder = servers_root / "up"
    folder.mkdir(mode=0o755)
    yield folder
    _foliot(folder, "down")
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)


def _foliot(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "foliot.cli", *arguments, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_up_starts_all_and_down_leaves_nothing_running(folder: Path) -> None:
    code, up = _foliot(folder, "up")
    assert code == 0, up
    (folder / "door.yaml").write_text("foliot: 1\nid: door\ninitial: s\nstates: {s: {}}\n")

    published = _foliot(folder, "publish", "door.yaml")
    status = _foliot(folder, "status")
    log = _foliot(folder, "logs", "postgres", "--lines", "3")
    no_log = _foliot(folder, "logs", "postgrse")
    down = _foliot(folder, "down")

    pids = [part["process"]["pid"] for part in up["data"]["parts"]]
    assert {part["name"] for part in up["data"]["parts"]} >= SERVERS
    assert (published[0], status[0], status[1]["data"]["phase"]) == (0, 0, "ready")
    assert (log[0], len(log[1]["data"]["lines"])) == (0, 3)
    assert (no_log[0], no_log[1]["error"]["code"]) == (1, "no_log")
    assert (down[0], down[1]["data"]["phase"]) == (0, "down")
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert _foliot(folder, "machines")[1]["error"]["code"] == "no_address"
