"""Commands run in this process, in an empty folder, against a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from addresses import Database

from foliot.cli import run

Ask: TypeAlias = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(
    fresh_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """Run a command with `--json`; give its exit code and its envelope."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLIOT_DSN_OWNER", fresh_database.owner)
    monkeypatch.setenv("FOLIOT_DSN_SERVICE", fresh_database.service)

    def ask(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run([*arguments, "--json"])
        envelope: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, envelope

    return ask
