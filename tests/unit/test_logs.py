"""Log lines of processes: ours and those of libraries, in one form."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

_PROGRAM = """
import logging, structlog
from foliot.logs import configure_logs
from foliot.settings import Settings

configure_logs(Settings())
ours = structlog.get_logger("foliot_ingest.reader")
ours.debug("looked")
ours.info("taken", count=3)
try:
    1 / 0
except ZeroDivisionError as error:
    ours.error("failed", exc_info=error)
for library in ("celery.worker", "kafka.conn"):
    logging.getLogger(library).info("hello from %s", library)
    logging.getLogger(library).warning("beware of %s", library)
    logging.getLogger(library).error("lost %s", library)
"""


def _lines(monkeypatch: pytest.MonkeyPatch, level: str) -> list[dict[str, Any]]:
    monkeypatch.setenv("FOLIOT_LOG_FORMAT", "json")
    monkeypatch.setenv("FOLIOT_LOG_LEVEL", level)
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True)
    assert not ended.stdout
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_lines_are_json_with_the_same_fields_whoever_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _lines(monkeypatch, "info")

    assert [line["event"] for line in lines] == [
        "taken",
        "failed",
        "beware of celery.worker",
        "lost celery.worker",
        "lost kafka.conn",
    ]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert lines[0]["count"] == 3
    assert "ZeroDivisionError" in lines[1]["exception"]


def test_the_level_of_the_settings_adds_our_own_lines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    loud = [line["event"] for line in _lines(monkeypatch, "debug")]
    quiet = [line["event"] for line in _lines(monkeypatch, "error")]

    assert loud[:2] == ["looked", "taken"]
    assert not any("hello" in event for event in loud)
    assert quiet == ["failed", "lost celery.worker", "lost kafka.conn"]
