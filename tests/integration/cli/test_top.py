"""`foliot top`: as tables in a pipe, as JSON, and live in a real terminal that is given back as it was."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pexpect
import psycopg
import pytest
from addresses import WORK, Database

from foliot.cli import run
from foliot.cli.overview import Looker
from foliot.cloudevents import LANES
from foliot.registry import load_catalog, publish
from foliot.runtime import Arrival, Stepper, payload_hash, take_in
from foliot.settings import Settings
from foliot.store import Connection, connect

Ask = Callable[..., tuple[int, dict[str, Any]]]
LAMP = "foliot: 1\nid: lamp\ninitial: dark\nstates: {dark: {on: {switched: dark}}}\n"
ALTERNATE_SCREEN, MAIN_SCREEN, CURSOR_SHOWN = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
HOSTILE = "k\x1b[2J"


@pytest.fixture
def connection(fresh_database: Database) -> Iterator[Connection]:
    with closing(connect(fresh_database.service, application="test")) as connection:
        publish(connection, "default", LAMP, filename="lamp.yaml", by="test")
        yield connection


@pytest.fixture
def terminal(fresh_database: Database, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Run a command in a terminal of its own."""
    children = []

    def start(*arguments: str, **environment: str) -> Any:
        own = {"FOLIOT_DSN_SERVICE": fresh_database.service, "TERM": "xterm-256color", **environment}
        passed = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "foliot.cli", *arguments],
            cwd=tmp_path,
            env={**passed, **own},
            dimensions=(40, 120),
            encoding="utf-8",
            timeout=30,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def send(connection: Connection, *keys: str, lane: str = "high", first: int = 0) -> None:
    catalog = load_catalog(connection)
    (machine,) = catalog.machines.values()
    hash_ = payload_hash(catalog.secret, "switched", None, None)
    for number, key in enumerate(keys):
        words = (f"e{first + number}", "test", "switched", None, None, None, None)
        arrival = Arrival(machine.tenant, machine.number, key, LANES.index(lane), *words, hash_)
        take_in(connection, catalog, [arrival], [], [], writer="test")


def test_rates_and_latencies_follow_from_two_looks(connection: Connection, fresh_database: Database) -> None:
    looker = Looker()
    first = looker.look(connection)
    send(connection, *(f"K{number}" for number in range(30)))

    waiting = looker.look(connection)
    step(fresh_database, connection)
    stepped = looker.look(connection)

    lane = stepped.lanes[LANES.index("high")]
    assert (first.accepted_per_s, first.waiting, waiting.waiting, stepped.waiting) == (None, 0, 30, 0)
    assert waiting.lanes[1].accepted_per_s is not None
    assert waiting.lanes[1].accepted_per_s > 0
    assert len(waiting.shards) == 10
    assert lane.stepped_per_s is not None
    assert lane.stepped_per_s > 0
    assert lane.p50_ms is not None
    assert lane.p99_ms is not None
    assert 0 < lane.p50_ms <= lane.p99_ms
    assert [writer.writer for writer in stepped.writers] == ["test"]


def test_what_is_stuck_is_named(connection: Connection, fresh_database: Database) -> None:
    send(connection, "K1", "K2")
    step(fresh_database, connection)
    hold(fresh_database, "K1")

    overview = Looker().look(connection)

    assert [(each.machine, each.key, each.mode, each.note) for each in overview.stuck] == [
        ("lamp", "K1", "held", "for a test")
    ]
    assert (overview.letters_open, overview.letters[0].code) == (1, "engine_failed")


def test_the_instances_for_which_most_waits_are_named_first(connection: Connection) -> None:
    send(connection, *("K1",) * 3, *("K2",) * 5, *(f"other-{number}" for number in range(20)))

    overview = Looker().look(connection)

    assert [(each.machine, each.key, each.waiting) for each in overview.crowded[:2]] == [
        ("lamp", "K2", 5),
        ("lamp", "K1", 3),
    ]
    assert len(overview.crowded) == 5
    assert min(each.oldest_s for each in overview.crowded) > 0


def test_the_answer_for_programs_is_one_envelope(connection: Connection, ask: Ask) -> None:
    send(connection, "K1")

    code, envelope = ask("top", "--interval", "0.2")

    assert code == 0
    assert (envelope["data"]["waiting"], envelope["data"]["shard_count"]) == (1, 64)
    assert [lane["lane"] for lane in envelope["data"]["lanes"]] == list(LANES)


def test_a_pipe_gets_plain_tables_at_once(connection: Connection, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    send(connection, HOSTILE)
    hold_all = ask("top", "--interval", "0.2")[0]

    code = run(["top", "--interval", "0.2"])

    out = capsys.readouterr().out
    assert (hold_all, code) == (0, 0)
    assert "shards where most waits\nshard  waiting" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("leave", ["q", "\x03"], ids=["q", "Ctrl-C"])
def test_a_terminal_shows_it_live_and_is_given_back(
    connection: Connection, fresh_database: Database, terminal: Callable[..., Any], leave: str
) -> None:
    send(connection, HOSTILE, "K2")
    step(fresh_database, connection)
    hold(fresh_database, HOSTILE)
    child = terminal("top", "--interval", "0.2")
    before = termios.tcgetattr(child.child_fd)

    child.expect_exact(ALTERNATE_SCREEN)
    child.expect_exact("critical")
    child.expect_exact(r"lamp/k\x1b[2J")
    send(connection, "K3", first=100)
    child.expect(r"1 waiting")
    child.send(leave)
    child.expect_exact(CURSOR_SHOWN)
    child.expect_exact(MAIN_SCREEN)
    child.expect(pexpect.EOF)
    child.wait()

    assert child.exitstatus == 0
    assert "Traceback" not in child.before
    assert termios.tcgetattr(child.child_fd) == before


@pytest.mark.usefixtures("connection")
def test_a_terminal_that_changes_its_size_is_drawn_anew(terminal: Callable[..., Any]) -> None:
    child = terminal("top", "--interval", "60")
    child.expect_exact("unannounced")
    child.setwinsize(12, 50)
    # A screen has as many lines as the terminal; between two whole ones lies the step back to its beginning.
    child.expect("\x1b\\[H((?:(?!\x1b\\[H).)*)\x1b\\[H", timeout=30)
    child.expect("\x1b\\[H((?:(?!\x1b\\[H).)*)\x1b\\[H", timeout=30)

    drawn = child.match.group(1)
    child.send("q")
    child.expect(pexpect.EOF)

    assert drawn.count("\n") == 11


def test_a_database_that_is_away_is_told_on_the_screen(terminal: Callable[..., Any]) -> None:
    child = terminal("top", FOLIOT_DSN_SERVICE="postgresql://nobody@127.0.0.1:9/nothing")

    child.expect_exact("store_unavailable")
    child.send("q")
    child.expect(pexpect.EOF)
    child.wait()

    assert child.exitstatus == 0


def step(database: Database, connection: Connection) -> None:
    settings = Settings(dsn_service=database.service, steal_after_ms=0)
    with closing(Stepper(settings, writer="test")) as stepper:
        while connection.execute(WORK).fetchall():
            connection.rollback()
            stepper.run_batch()
    connection.rollback()


def hold(database: Database, key: str) -> None:
    with psycopg.connect(database.owner) as owner:
        owner.execute("UPDATE instances SET mode = 'held', note = 'for a test' WHERE key = %s", (key,))
        owner.execute(
            "INSERT INTO dead_letters (tenant, stage, code, what, place, remedy, machine, key)"
            " VALUES (1, 'park', 'engine_failed', 'w', 'p', 'r', 'lamp', %s)",
            (key,),
        )
