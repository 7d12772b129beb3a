"""`foliot topics`, `foliot send` and `foliot ingest` as processes."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from addresses import Database, KafkaAt
from integration.ingest.streams import add_machine, eventually, rows, settings_for

FOLIOT = (sys.executable, "-m", "foliot.cli")


@pytest.fixture
def environment(fresh_database: Database, kafka_server: KafkaAt) -> dict[str, str]:
    add_machine(fresh_database)
    settings = settings_for(fresh_database, kafka_server)
    names = ("dsn_service", "kafka", "topic_prefix", "changes_topic", "group", "topic_partitions", "session_timeout_ms")
    return {**os.environ, **{f"FOLIOT_{name.upper()}": str(getattr(settings, name)) for name in names}}


def foliot(environment: dict[str, str], *arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FOLIOT, *arguments], env=environment, input=lines, text=True, capture_output=True, timeout=60, check=False
    )


def test_what_is_sent_arrives_and_sigterm_ends_the_ingester_within_its_grace(
    environment: dict[str, str], fresh_database: Database, tmp_path: Path
):
    made = foliot(environment, "topics", "--json")
    one = foliot(
        environment, "send", "incident", "case-1", "reported", "--data", '{"a": 1}', "--id", "one", "--lane", "high"
    )
    topic = f"{environment['FOLIOT_TOPIC_PREFIX']}.low"
    lines = [
        {"machine": "incident", "key": "case-2", "type": "reported", "id": "two", "lane": "low"},
        {"topic": topic, "value_base64": base64.b64encode(b"\xff").decode(), "headers": {"content-type": "x"}},
    ]
    report = tmp_path / "report.jsonl"
    stream = "".join(json.dumps(line) + "\n" for line in lines)
    many = foliot(environment, "send", "--file", "-", "--report", str(report), lines=stream)

    with subprocess.Popen([*FOLIOT, "ingest"], env=environment, stderr=subprocess.PIPE) as ingester:
        try:
            eventually(lambda: len(rows(fresh_database, "SELECT 1 FROM inbox")) == 2)
            eventually(lambda: rows(fresh_database, "SELECT 1 FROM dead_letters"))
        finally:
            ingester.send_signal(signal.SIGTERM)
            code = ingester.wait(timeout=60)

    assert (made.returncode, one.returncode, many.returncode) == (0, 0, 0), made.stderr + one.stderr + many.stderr
    assert code == 0
    assert len(json.loads(made.stdout)["data"]["made"]) == 5
    reports = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(each["line"], each["id"], each["topic"], each["error"]) for each in reports] == [
        (1, "two", topic, None),
        (2, None, topic, None),
    ]
    assert sorted(rows(fresh_database, "SELECT event_id, queue FROM inbox")) == [("one", 2), ("two", 6)]
    assert rows(fresh_database, "SELECT code, raw FROM dead_letters") == [("not_a_cloud_event", b"\xff")]


def test_a_line_that_says_nothing_is_refused_with_its_number(environment: dict[str, str]):
    refused = foliot(environment, "send", "--file", "-", lines='{"machine": "incident"}\n')

    assert refused.returncode == 1
    assert "line 1" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--file", "nowhere.jsonl"), "file_unreadable at nowhere.jsonl"),
        (("--file", "-", "--report", "nowhere/report.jsonl"), "file_unwritable at nowhere/report.jsonl"),
    ],
)
def test_a_file_that_cannot_be_opened_is_refused(environment: dict[str, str], arguments: tuple[str, ...], code: str):
    refused = foliot(environment, "send", *arguments)

    assert refused.returncode == 1
    assert refused.stderr.startswith(code)
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"machine": "incident", "key": "k", "type": "done.state.x"}', "type_reserved at line 1 type"),
        ('{"machine": "incident", "key": "k", "type": "t", "lane": "urgent"}', "unknown_lane at line 1 lane"),
        ('{"machine": "incident", "key": 7, "type": "t"}', "attribute_not_text at line 1 subject"),
    ],
)
def test_an_event_that_could_not_be_taken_is_refused_before_it_is_sent(
    environment: dict[str, str], line: str, code: str
):
    refused = foliot(environment, "send", "--file", "-", lines=f"{line}\n")

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{code}: ")
