"""The command `foliot worker` before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from foliot.cli import run


def test_a_worker_without_a_database_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOLIOT_DSN_SERVICE", raising=False)

    code = run(["worker"])

    assert code == 3
    assert "no_address at FOLIOT_DSN_SERVICE" in capsys.readouterr().err


def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLIOT_POLL_MS", "soon")

    code = run(["worker"])

    assert code == 1
    assert "bad_settings at FOLIOT_POLL_MS" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["reddis://:secret@valkey:6379/0", "valkey"])
def test_a_broker_that_celery_does_not_know_is_refused_before_a_child_starts(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLIOT_DSN_SERVICE", "postgresql://nowhere")
    monkeypatch.setenv("FOLIOT_BROKER_URL", url)

    code = run(["worker"])

    told = capsys.readouterr().err
    assert code == 1
    assert "bad_settings at FOLIOT_BROKER_URL" in told
    assert "Write it as redis://" in told
    assert "secret" not in told
