"""The public sepsis log through a real broker, ingest and stepper: every event is applied, and none twice."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from addresses import WORK, Database, KafkaAt
from integration.ingest.streams import eventually, ingesting, rows, settings_for
from shared_data import ROOT, SHARED

from foliot.cloudevents import LANES
from foliot.registry import publish
from foliot.runtime import Stepper
from foliot.settings import Settings
from foliot.store import connect
from foliot_ingest.topics import make_topics, own_topics

LOG = SHARED / "data" / "sepsis.csv"
MACHINE = ROOT / "examples" / "sepsis" / "machine.yaml"
CASES = 300


@pytest.fixture
def site(fresh_database: Database, kafka_server: KafkaAt) -> Settings:
    settings = settings_for(fresh_database, kafka_server)
    with contextlib.closing(connect(fresh_database.service, application="test")) as connection:
        publish(connection, "default", MACHINE.read_bytes(), filename=MACHINE.name, by="test")
    make_topics(settings, own_topics(settings), name="test")
    return settings


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, int]:
    """The first cases of the log, with how many events they have."""
    if not LOG.is_file():
        pytest.skip(f"NO REPLAY OF A REAL LOG: there is none at {LOG}; set FOLIOT_SHARED")
    with LOG.open(newline="", encoding="utf-8") as stream:
        head, *events = csv.reader(stream, delimiter=";")
    cases = set(list(dict.fromkeys(event[0] for event in events))[:CASES])
    chosen = [event for event in events if event[0] in cases]
    file = tmp_path / "sepsis.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=";").writerows([head, *chosen])
    return file, len(chosen)


def replay(site: Settings, *arguments: str) -> tuple[int, dict[str, object]]:
    environment = {"FOLIOT_KAFKA": site.kafka, "FOLIOT_TOPIC_PREFIX": site.topic_prefix}
    done = subprocess.run(
        [sys.executable, "-m", "foliot.cli", "replay", "--machine", "sepsis", "--json", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == b""
    answer: dict[str, object] = json.loads(done.stdout)
    return done.returncode, answer


def taken(database: Database) -> int:
    """Count the records that ingest has taken."""
    return int(rows(database, "SELECT coalesce(sum(next), 0) FROM offsets")[0][0])


def step_all(site: Settings, database: Database) -> None:
    """Step until nothing waits."""
    with contextlib.closing(Stepper(site, writer="test")) as stepper:
        for _ in range(1000):
            stepper.run_batch()
            if not rows(database, WORK):
                return
    pytest.fail("something still waits")


@pytest.mark.slow
def test_every_event_of_a_real_log_is_applied_and_a_second_replay_is_all_duplicates(
    site: Settings, log: tuple[Path, int], fresh_database: Database
):
    file, count = log
    with ingesting(site):
        first = replay(site, str(file))
        eventually(lambda: taken(fresh_database) == count)
        second = replay(site, str(file))
        eventually(lambda: taken(fresh_database) == 2 * count)
    step_all(site, fresh_database)

    assert [(code, answer["ok"]) for code, answer in (first, second)] == [(0, True)] * 2
    for _, answer in (first, second):
        data = answer["data"]
        assert isinstance(data, dict)
        assert (data["sent"], data["failed"], data["refused"], data["instances"]) == (count, 0, 0, CASES)
    assert rows(fresh_database, "SELECT code FROM dead_letters") == []
    journal = "SELECT count(*), count(DISTINCT event_id) FROM journal WHERE kind = 0"
    assert rows(fresh_database, journal) == [(count, count)]
    assert rows(fresh_database, "SELECT count(*) FROM instances WHERE mode = 'running'") == [(CASES,)]


def test_what_a_log_says_wrongly_is_told_and_the_rest_is_sent(site: Settings, tmp_path: Path):
    file = tmp_path / "log.csv"
    file.write_text("case,activity,time,n\na,CRP,2026-01-01,1\na,CRP,never,2\n,CRP,2026-01-01,3\nb,登録,2026-01-01,4\n")

    code, answer = replay(site, str(file))

    data, error = answer["data"], answer["error"]
    assert isinstance(data, dict)
    assert isinstance(error, dict)
    assert (code, error["code"], data["sent"], data["refused"]) == (1, "lines_refused", 1, 3)
    assert error["where"] == f"{file}:3:time"


def test_a_part_of_a_log_is_chosen_by_the_order_of_time(site: Settings, tmp_path: Path):
    file = tmp_path / "log.csv"
    file.write_text("case,activity,time\n" + "".join(f"c{day},CRP,2026-01-{day:02}\n" for day in (5, 4, 3, 2, 1)))

    code, answer = replay(site, str(file), "--start", "2", "--limit", "2")

    data = answer["data"]
    assert isinstance(data, dict)
    assert (code, data["sent"], data["first"][:10], data["last"][:10]) == (0, 2, "2026-01-02", "2026-01-03")


def test_columns_types_and_the_lane_are_those_that_are_said(site: Settings, tmp_path: Path, fresh_database: Database):
    file = tmp_path / "log.csv"
    file.write_text("who,what,when,n,m\na,CRP,31.01.2026 08:00,1,2\n")
    columns = ("--case", "who", "--activity", "what", "--timestamp", "when", "--timestamp-format", "%d.%m.%Y %H:%M")

    with ingesting(site):
        code, _ = replay(site, str(file), *columns, "--data", "n", "--type", "CRP=iv_liquid", "--lane", "critical")
        eventually(lambda: taken(fresh_database) == 1)

    found = rows(fresh_database, "SELECT key, type, time, data::jsonb, queue / 2 FROM inbox")
    assert (code, found) == (0, [("a", "iv_liquid", "2026-01-31T08:00:00.000000Z", {"n": 1}, LANES.index("critical"))])
