"""The short form of the chaos run: a whole Foliot under load while its processes and servers die."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import pytest

_RUN: Final = Path(__file__).with_name("chaos") / "run.py"
_EVENTS, _FAULTS = 8_000, 15
_SECONDS_MAX: Final = 400


def _chaos(report: Path) -> tuple[subprocess.Popen[str], str]:
    """Run the harness as a process of its own: it becomes the parent of all that it breaks."""
    has_java = shutil.which("java") is not None and shutil.which("mvn") is not None
    if not has_java:
        warnings.warn("no java or mvn: chaos runs on Tansu, and Kafka is NOT killed", UserWarning, stacklevel=1)
    size = ["--events", str(_EVENTS), "--faults", str(_FAULTS), "--interval", "4", "--outage", "5"]
    command = [sys.executable, str(_RUN), *size, "--postgres-kills", "2", "--report", str(report)]
    command += ["--kafka", "apache" if has_java else "tansu", "--seed", "8"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=_SECONDS_MAX)
    except BaseException:
        # It takes its servers and its folder away when it is asked to end.
        process.terminate()
        process.communicate(timeout=60)
        raise
    return process, said


@pytest.mark.slow
@pytest.mark.timeout(_SECONDS_MAX + 80)
@pytest.mark.filterwarnings("default:no java or mvn")
def test_nothing_is_lost_doubled_or_reordered_while_processes_and_servers_die(tmp_path: Path) -> None:
    process, said = _chaos(tmp_path / "chaos")

    sys.stdout.write(said)
    run: dict[str, Any] = json.loads((tmp_path / "chaos.json").read_text())
    assert process.returncode == 0, said
    assert run["complaints"] == []
    assert run["figures"]["events"] >= _EVENTS
    assert run["faults"] >= _FAULTS
    assert run["commits_cut"] >= 1
