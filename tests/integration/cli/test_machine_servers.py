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

import httpx
import psutil
import pytest

PARTS = {"postgres", "valkey", "kafka", "worker", "ingest", "relay", "api"}
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "test",
    "type": "opened",
    "subject": "front",
    "foliotmachine": "door",
}


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


def _api_of(envelope: dict[str, Any]) -> str:
    (address,) = [part["address"] for part in envelope["data"]["parts"] if part["name"] == "api"]
    return f"http://{address}"


@pytest.mark.slow
def test_up_starts_all_and_down_leaves_nothing_running(folder: Path) -> None:
    code, up = _foliot(folder, "up")
    assert code == 0, up
    (folder / "door.yaml").write_text("foliot: 1\nid: door\ninitial: s\nstates: {s: {}}\n")

    published = _foliot(folder, "publish", "door.yaml")
    status = _foliot(folder, "status")
    key = _foliot(folder, "keys", "create", "test", "--scope", "read")[1]["data"]["token"]
    with httpx.Client(base_url=_api_of(status[1]), timeout=60) as api:
        sent = api.post("/v1/events?wait=20", json=EVENT, headers={"content-type": "application/cloudevents+json"})
        read = api.get("/v1/instances/door/front", headers={"authorization": f"Bearer {key}"})
    health = _foliot(folder, "doctor")
    log = _foliot(folder, "logs", "postgres", "--lines", "3")
    no_log = _foliot(folder, "logs", "postgrse")
    down = _foliot(folder, "down")

    pids = [part["process"]["pid"] for part in up["data"]["parts"]]
    assert {part["name"] for part in up["data"]["parts"]} == PARTS
    assert _api_of(up) == _api_of(status[1])
    assert (sent.json()["state"], read.json()["configuration"]) == ("applied", ["s"])
    assert (health[0], [each for each in health[1]["data"]["findings"] if each["grade"] == "failure"]) == (0, [])
    assert (folder / ".foliot" / "key_pepper").read_text() not in json.dumps([up, status[1], health[1]])
    assert (published[0], status[0], status[1]["data"]["phase"]) == (0, 0, "ready")
    assert (log[0], len(log[1]["data"]["lines"])) == (0, 3)
    assert (no_log[0], no_log[1]["error"]["code"]) == (1, "no_log")
    assert (down[0], down[1]["data"]["phase"]) == (0, "down")
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert _foliot(folder, "machines")[1]["error"]["code"] == "no_address"
