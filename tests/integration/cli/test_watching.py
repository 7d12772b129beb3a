"""`foliot watch` in a process of its own: a line a step, one object a line, and a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from addresses import Database

from foliot.registry import load_catalog, publish
from foliot.runtime import Arrival, Stepper, payload_hash, take_in
from foliot.settings import Settings
from foliot.store import Connection, connect

if TYPE_CHECKING:
    from conftest import Ask

MACHINE = """
foliot: 1
id: lamp
initial: dark
states:
  dark: {on: {pressed: bright}}
  bright: {on: {pressed: dark}}
"""


@pytest.fixture
def connection(fresh_database: Database) -> Iterator[Connection]:
    with connect(fresh_database.service, application="test") as connection:
        publish(connection, "default", MACHINE, filename="lamp.yaml", by="test")
        yield connection


@contextmanager
def watching(database: Database, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Watch from another process, from the moment on at which it looks."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FOLIOT_")}
    with subprocess.Popen(
        [sys.executable, "-m", "foliot.cli", "watch", *arguments],
        env=environment | {"FOLIOT_DSN_SERVICE": database.service},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _wait_for_session(database, "foliot watch")
            yield process
        finally:
            process.kill()


def press(connection: Connection, database: Database, *keys: str) -> None:
    """Let an event come for each key, and step them."""
    catalog = load_catalog(connection)
    (entry,) = catalog.machines.values()
    for number, key in enumerate(keys):
        hash_ = payload_hash(catalog.secret, "pressed", None, None)
        arrival = Arrival(
            entry.tenant, entry.number, key, 2, f"{key}-{number}", "test", "pressed", *([None] * 4), hash_
        )
        take_in(connection, catalog, [arrival], [], [], writer="test")
        with closing(Stepper(Settings(dsn_service=database.service, steal_after_ms=0), writer="test")) as stepper:
            stepper.run_batch()


def _wait_for_session(database: Database, application: str) -> None:
    until = time.monotonic() + 30
    with connect(database.owner, application="test") as connection:
        query = "SELECT FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
        while not connection.execute(query, (application,)).fetchall():
            assert time.monotonic() < until, "it does not watch"
            connection.commit()
            time.sleep(0.05)


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_each_step_is_a_line_and_ctrl_c_ends_it_well(
    connection: Connection, fresh_database: Database, tmp_path: Path
) -> None:
    with watching(fresh_database, tmp_path, "lamp") as process:
        press(connection, fresh_database, "a", "b\x1b[2J", "a")
        told = lines(process, 5)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)

    # Between keys of different shards there is no order.
    assert sorted(re.sub(r"^\S+ \S+  ", "", line) for line in told) == [
        "a  1  start  pressed  -> dark",
        "a  2  taken  pressed  -> bright",
        "a  3  taken  pressed  -> dark",
        r"b\x1b[2J  1  start  pressed  -> dark",
        r"b\x1b[2J  2  taken  pressed  -> bright",
    ]
    assert (process.returncode, rest, errors) == (0, "", "")


def test_with_json_each_line_is_an_object_and_only_what_is_wanted_is_told(
    connection: Connection, fresh_database: Database, tmp_path: Path
) -> None:
    with watching(fresh_database, tmp_path, "lamp", "a", "--json", "--filter", "'bright' in step.states") as process:
        press(connection, fresh_database, "a", "b", "a", "a")
        told = [json.loads(line) for line in lines(process, 2)]

    assert [(line["ok"], line["data"]["key"], line["data"]["position"]) for line in told] == [
        (True, "a", 2),
        (True, "a", 4),
    ]


def test_a_reader_that_has_enough_ends_it_without_a_word(
    connection: Connection, fresh_database: Database, tmp_path: Path
) -> None:
    with watching(fresh_database, tmp_path, "lamp") as process:
        press(connection, fresh_database, "a")
        lines(process, 1)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        press(connection, fresh_database, "b")
        code = process.wait(20)

        assert (code, process.stderr.read()) == (0, "")


def test_a_connection_that_breaks_is_made_anew_and_nothing_is_missed(
    connection: Connection, fresh_database: Database, tmp_path: Path
) -> None:
    with watching(fresh_database, tmp_path, "lamp", "a") as process:
        with connect(fresh_database.owner, application="test") as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'foliot watch'"
            )
        press(connection, fresh_database, "a", "a")
        told = lines(process, 3)

    assert [line.split("  ")[2] for line in told] == ["1", "2", "3"]


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize(
    ("arguments", "code"), [(("lmap",), "unknown_machine"), (("lamp", "--filter", "1"), "filter_refused")]
)
def test_what_cannot_be_watched_is_refused(ask: Ask, arguments: tuple[str, ...], code: str) -> None:
    exit_code, envelope = ask("watch", *arguments)

    assert (exit_code, envelope["error"]["code"]) == (1, code)
