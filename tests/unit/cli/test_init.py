"""`foliot init`: the project that it makes works as it stands, and nothing is overwritten."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from foliot.cli import Commands, builtin, run
from foliot.cli.commands import find_commands
from foliot.definition import language_schema
from foliot.settings import Settings


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "deep" / "My Tickets"
    assert run(["init", str(folder)]) == 0
    capsys.readouterr()
    return folder


def unknown_commands(text: str) -> set[str]:
    known = find_commands(builtin.register(Commands())).entries
    called = re.findall(r"\bfoliot ([a-z-]+)(?: ([a-z-]+))?", text)
    return {f"{first} {second}" if f"{first} {second}" in known else first for first, second in called} - known.keys()


def test_the_tests_of_a_new_project_pass(project: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_the_machine_of_a_new_project_has_no_fault(project: Path, capsys: pytest.CaptureFixture[str]):
    code = run(["check", str(project / "machine.yaml"), "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out)["data"]["diagnostics"] == []


def test_editors_find_the_schema_that_the_machine_names(project: Path):
    first = (project / "machine.yaml").read_text().partition("\n")[0]

    schema = json.loads((project / first.removeprefix("# yaml-language-server: $schema=")).read_text())

    assert schema == language_schema()


def test_the_compose_file_sets_settings_and_calls_commands_that_there_are(project: Path):
    text = (project / "compose.yaml").read_text()
    compose: dict[str, Any] = yaml.safe_load(text)

    named = {name for service in compose["services"].values() for name in service.get("environment", ())}
    settings = {f"FOLIOT_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in named if name.startswith("FOLIOT_")} <= settings
    assert {"FOLIOT_DSN_OWNER", "FOLIOT_DSN_SERVICE", "FOLIOT_KAFKA", "FOLIOT_BROKER_URL"} <= named
    assert compose["name"] == "my-tickets"
    assert {"postgres", "kafka", "valkey", "prepare", "ingest", "worker", "relay"} <= compose["services"].keys()
    called = "\n".join(str(service.get("command", "")) for service in compose["services"].values())
    assert called.count("foliot ") == 6
    assert unknown_commands(called) == set()
    # Nothing is open to other machines.
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_name_of_the_template_is_left(project: Path):
    texts = [file.read_text() for file in project.rglob("*") if file.is_file()]

    assert len(texts) == 7
    assert [text for text in texts if "PROJECT_NAME" in text] == []


@pytest.mark.parametrize("name", ["machine.yaml", "machine.schema.json", "tests/machine.test.yaml", ".gitignore"])
def test_nothing_is_overwritten_and_then_nothing_is_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")

    code = run(["init", str(tmp_path), "--json"])

    assert code == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "would_overwrite"
    assert [file.read_text() for file in tmp_path.rglob("*") if file.is_file()] == ["mine"]


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")

    code = run(["init", str(tmp_path / "file" / "project"), "--json"])

    assert code == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "file_unwritable"
