"""pytest collects scenarios as tests, shows what failed without a traceback, and imports nothing heavy before."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PLUGIN = "foliot.pytest_plugin.hooks"
MACHINE = "foliot: 1\nid: door\ninitial: shut\nstates: {shut: {on: {push: open}}, open: {after: {5s: shut}}}\n"
SCENARIOS = """\
machine: ../door.yaml
scenarios:
  - name: a door opens
    steps: [{event: push, expect: {in: [open]}}]
  - name: a door shuts
    steps:
      - {event: push}
      - {advance: 5s, expect: {in: [shut]}}
"""
FIXTURES = """
def test_a_door(foliot_machine, foliot_sessions):
    door = foliot_sessions.open(foliot_machine("../door.yaml"))
    foliot_sessions.send(door, "push")
    foliot_sessions.run()
    assert door.state.configuration == ("open",)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "door.yaml").write_text(MACHINE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "door.test.yaml").write_text(SCENARIOS)
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN, *arguments],
        cwd=project,
        # Other plugins of this installation take seconds to begin.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_pytest_finds_the_plugin_by_itself():
    assert [entry.value for entry in entry_points(group="pytest11", name="foliot")] == [PLUGIN]


def test_scenarios_and_fixtures_are_there(project: Path):
    (project / "tests" / "test_door.py").write_text(FIXTURES)

    done = run(project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_a_failure_shows_both_sides_the_line_and_the_way_and_no_traceback(project: Path):
    (project / "tests" / "door.test.yaml").write_text(SCENARIOS.replace("in: [shut]", "in: [open]"))

    done = run(project)

    assert done.returncode == 1
    assert (
        "tests/door.test.yaml:8: the active states\n"
        "  - expected open\n"
        "  + seen     shut\n"
        "What happened:\n"
        "  1. push → open\n"
        "  2. after 5s → shut\n"
    ) in done.stdout
    assert "Traceback" not in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_a_wrong_file_is_an_error_with_diagnostics(project: Path):
    (project / "tests" / "door.test.yaml").write_text(SCENARIOS.replace("event: push", "evnt: push"))

    done = run(project)

    assert done.returncode == 2
    assert "tests/door.test.yaml:4:14: error D201: The key 'evnt' is not known here." in done.stdout
    assert "Traceback" not in done.stdout


def test_files_of_other_tools_are_left_alone(project: Path):
    (project / "tests" / "other.test.yaml").write_text("cases: [1, 2]\n")

    assert "2 passed" in run(project).stdout


def test_a_run_without_scenarios_imports_nothing_heavy(tmp_path: Path):
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\ndef test_nothing():\n"
        "    loaded = [name for name in sys.modules if name.startswith('foliot.')]\n"
        "    assert sorted(loaded) == ['foliot.file_names', 'foliot.pytest_plugin', 'foliot.pytest_plugin.hooks']\n"
    )

    done = run(tmp_path)

    assert done.returncode == 0, done.stdout
