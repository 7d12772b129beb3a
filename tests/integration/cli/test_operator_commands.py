"""What an operator sees of instances and dead letters, and how both are made to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import redis
from addresses import WORK, Database, ValkeyAt

from foliot.cli import run
from foliot.errors import Refusal
from foliot.registry import load_catalog
from foliot.runtime import Arrival, Record, SetAside, Stepper, payload_hash, take_in
from foliot.settings import Settings
from foliot.store import Connection, connect
from foliot_workers import app, waking
from foliot_workers.app import STEP_QUEUES

Ask = Callable[..., tuple[int, dict[str, Any]]]

LOOPER = """
foliot: 1
id: looper
poison: {poison}
context: {{initial: {{seen: 0}}}}
initial: calm
states:
  calm:
    after: {{30m: {{target: calm, reenter: true}}}}
    on:
      counted: {{actions: [{{assign: {{seen: "context.seen + 1"}}}}]}}
      looped: {{target: one}}
  one: {{always: [{{target: two, guard: "context.seen >= 0"}}]}}
  two: {{always: [{{target: one, guard: "context.seen >= 0"}}]}}
"""
CALM = LOOPER.replace('guard: "context.seen >= 0"', 'guard: "context.seen < 0"')
WITHOUT_CALM = """
foliot: 1
id: looper
initial: other
states: {other: {}}
"""


class Site:
    """A database whose events a stepper in this process steps."""

    def __init__(self, database: Database, connection: Connection, ask: Ask) -> None:
        self._settings = Settings(dsn_service=database.service, steal_after_ms=0)
        self._connection = connection
        self._ask = ask
        self._count = 0

    def publish(self, text: str) -> None:
        """Publish a machine."""
        Path("machine.yaml").write_text(text)
        assert self._ask("publish", "machine.yaml")[0] == 0

    def move_all(self, version: int) -> None:
        """Move every instance at its next event."""
        assert self._ask("channel", "move", "looper", "--to", str(version), "--mode", "all")[0] == 0

    def step(self, key: str, *types: str) -> None:
        """Let events come and step them."""
        catalog = load_catalog(self._connection)
        (entry,) = [each for each in catalog.machines.values() if each.name == "looper"]
        for type_ in types:
            self._count += 1
            hash_ = payload_hash(catalog.secret, type_, None, None)
            words = (f"e{self._count}", "test", type_, None, None, None, None)
            arrival = Arrival(entry.tenant, entry.number, key, 2, *words, hash_)
            take_in(self._connection, catalog, [arrival], [], [], writer="test")
        self.drain()

    def drain(self) -> None:
        """Step until nothing waits."""
        stepper = Stepper(self._settings, writer="test")
        for _ in range(1000):
            stepper.run_batch()
            left = self._connection.execute(WORK).fetchall()
            self._connection.rollback()
            if not left:
                break
        stepper.close()

    def set_aside(self, *values: bytes, code: str = "not_json") -> None:
        """Set records aside as ingest does, at offsets 0, 1, …"""
        headers = orjson.dumps({"key": None, "headers": [["content-type", "application/cloudevents+json"]]}).decode()
        letters = [
            SetAside(
                "decode",
                Refusal(code, "it is no JSON", f"foliot.events.normal[0]@{offset} line 1", "Send JSON."),
                Record("topic-id", "foliot.events.normal", 0, offset),
                value,
                headers,
            )
            for offset, value in enumerate(values)
        ]
        take_in(self._connection, load_catalog(self._connection), [], letters, [], writer="test")


@pytest.fixture
def site(fresh_database: Database, ask: Ask) -> Iterator[Site]:
    with connect(fresh_database.service, application="test") as connection:
        site = Site(fresh_database, connection, ask)
        site.publish(LOOPER.format(poison="park"))
        yield site


def test_an_instance_is_shown_with_its_state_and_its_timers(site: Site, ask: Ask) -> None:
    site.step("a", "counted", "counted")

    code, envelope = ask("show", "looper", "a")

    view = envelope["data"]
    assert (code, view["configuration"], view["context"]) == (0, ["calm"], {"seen": 2})
    assert (view["mode"], view["position"], view["n"], view["version"], view["wants"]) == ("running", 3, 3, 1, 1)
    [timer] = view["timers"].values()
    assert timer["event"] == "after.1800000.calm"
    assert timer["due_at"].count(":") == 2


def test_an_instance_that_cannot_move_says_which_version_is_wanted_and_why_it_stays(site: Site, ask: Ask) -> None:
    site.step("a", "counted")
    site.publish(WITHOUT_CALM)
    site.move_all(2)
    site.step("a", "counted")

    view = ask("show", "looper", "a")[1]["data"]

    assert (view["version"], view["wants"]) == (1, 2)
    assert "cannot move to 2" in view["note"]


def test_what_people_are_shown_has_no_character_that_steers_a_terminal(
    site: Site, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    site.step("a\x1b[2J", "counted")
    site.set_aside(b"\x1b[2J\xff", code="not_utf8")
    ask("machines")

    for arguments in (["show", "looper", "a\x1b[2J"], ["history", "looper", "a\x1b[2J"], ["dead-letters", "show", "1"]):
        assert run(arguments) == 0
    assert run(["dead-letters", "list"]) == 0

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"default/looper/a\x1b[2J" in shown
    assert r"\x1b[2J\xff" in shown


def test_the_history_has_the_newest_step_first(site: Site, ask: Ask) -> None:
    site.step("a", "counted", "unheard", "counted")

    code, envelope = ask("history", "looper", "a", "--count", "3")

    steps = envelope["data"]
    assert code == 0
    assert [(step["position"], step["kind"], step["outcome"], step["type"]) for step in steps] == [
        (4, "event", "taken", "counted"),
        (3, "event", "ignored", "unheard"),
        (2, "event", "taken", "counted"),
    ]
    assert {(step["lane"], step["version"], step["source"]) for step in steps} == {("normal", 1, "test")}


def test_unknown_names_get_the_nearest_known_one(site: Site, ask: Ask) -> None:
    site.step("a", "counted")

    machine = ask("show", "loper", "a")
    tenant = ask("history", "looper", "a", "--tenant", "defualt")
    key = ask("show", "looper", "b")
    letter = ask("dead-letters", "show", "7")

    assert (machine[0], machine[1]["error"]["code"]) == (1, "unknown_machine")
    assert machine[1]["error"]["remedy"] == "Did you mean 'looper'?"
    assert (tenant[1]["error"]["code"], tenant[1]["error"]["remedy"]) == ("unknown_tenant", "Did you mean 'default'?")
    assert (key[0], key[1]["error"]["code"], key[1]["error"]["where"]) == (1, "unknown_instance", "default/looper/b")
    assert (letter[0], letter[1]["error"]["code"]) == (1, "unknown_dead_letter")


def test_a_held_instance_says_why_and_goes_on_after_its_release(site: Site, ask: Ask) -> None:
    site.step("a", "counted", "looped", "counted")
    held = ask("show", "looper", "a")[1]["data"]
    site.publish(CALM.format(poison="park"))
    site.move_all(2)

    code, envelope = ask("release", "looper", "a")
    site.drain()

    after = ask("show", "looper", "a")[1]["data"]
    assert (held["mode"], held["held"]) == ("held", 2)
    assert "engine_failed" in held["note"]
    assert (code, envelope["data"]["held"]) == (0, 2)
    assert (after["mode"], after["held"], after["configuration"], after["version"]) == ("running", 0, ["one"], 2)
    again = ask("release", "looper", "a")
    assert (again[0], again[1]["error"]["code"]) == (1, "not_held")


def test_dead_letters_are_listed_by_page_and_by_what_they_are(site: Site, ask: Ask) -> None:
    site.set_aside(b"a", b"b", b"c")
    site.step("k", "looped")

    _, first = ask("dead-letters", "list", "--count", "2")
    _, second = ask("dead-letters", "list", "--count", "2", "--after", str(first["data"]["next"]))
    _, parked = ask("dead-letters", "list", "--code", "engine_failed", "--machine", "looper", "--tenant", "default")
    _, nothing = ask("dead-letters", "list", "--machine", "other", "--all")

    ids = [letter["id"] for page in (first, second) for letter in page["data"]["dead_letters"]]
    assert ids == [1, 2, 3, 4]
    assert [(each["stage"], each["key"]) for each in parked["data"]["dead_letters"]] == [("park", "k")]
    assert parked["data"]["next"] is None
    assert nothing["data"]["dead_letters"] == []


def test_a_dead_letter_is_shown_whole(site: Site, ask: Ask) -> None:
    site.set_aside(b'{"id": "caf\xe9"}' + b" " * 5000)

    code, envelope = ask("dead-letters", "show", "1")

    letter = envelope["data"]
    assert code == 0
    assert letter["refusal"] == {
        "code": "not_json",
        "what": "it is no JSON",
        "where": "foliot.events.normal[0]@0 line 1",
        "remedy": "Send JSON.",
    }
    assert letter["headers"]["headers"] == [["content-type", "application/cloudevents+json"]]
    assert letter["raw"].startswith(r'{"id": "caf\xe9"}')
    assert (letter["raw_size"], letter["raw"].endswith("bytes more)")) == (5014, True)


def test_many_are_redriven_by_their_reason_and_each_refusal_says_what_the_dead_letter_would(
    site: Site, ask: Ask
) -> None:
    site.set_aside(b"{")
    _set_aside_a_good_one(site)

    code, envelope = ask("dead-letters", "redrive", "--code", "not_json")
    site.drain()
    again = ask("dead-letters", "redrive", "1", "2")[1]["data"]["results"]
    site.drain()

    data = envelope["data"]
    assert (code, data["redriven"], data["refused"]) == (1, 1, 1)
    assert envelope["error"]["code"] == "redrive_refused"
    [refused, done] = data["results"]
    assert (refused["id"], refused["refusal"]["code"], done["refusal"]) == (1, "dead_letter_refused", None)
    assert "not_json" in refused["refusal"]["what"]
    assert refused["refusal"]["remedy"].startswith("Send one JSON value")
    assert ask("show", "looper", "a")[1]["data"]["context"] == {"seen": 1}
    assert "ended before" in again[1]["refusal"]["what"]


def _set_aside_a_good_one(site: Site) -> None:
    good = {"specversion": "1.0", "id": "good", "source": "t", "type": "counted", "subject": "a"}
    site.set_aside(orjson.dumps({**good, "foliotmachine": "looper"}))


def test_workers_are_woken_by_a_redrive(
    site: Site, ask: Ask, valkey_server: ValkeyAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A wake-up is a hint, which a broker on a busy machine may be too slow for.
    monkeypatch.setattr(app, "SEND_TIMEOUT_S", 30.0)
    monkeypatch.setattr(waking, "SEND_TIMEOUT_S", 30.0)
    url = valkey_server.url.rpartition("/")[0] + "/9"
    monkeypatch.setenv("FOLIOT_BROKER_URL", url)
    _set_aside_a_good_one(site)

    code, _ = ask("dead-letters", "redrive", "1")

    with redis.Redis.from_url(url) as broker:
        assert (code, broker.llen(STEP_QUEUES["bulk"])) == (0, 1)
        broker.flushdb()


def test_a_broker_that_is_not_there_spoils_neither_the_redrive_nor_its_answer(
    site: Site, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLIOT_BROKER_URL", "redis://127.0.0.1:1/0")
    _set_aside_a_good_one(site)

    code, envelope = ask("dead-letters", "redrive", "1")

    assert (code, envelope["data"]["redriven"]) == (0, 1)


def test_refusals_are_one_line_each_and_tell_what_is_left(
    site: Site, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    site.set_aside(b"{")
    ask("machines")

    code = run(["dead-letters", "redrive", "1", "9"])

    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert code == 1
    assert lines[0].startswith("1 refused: dead_letter_refused at foliot.events.normal[0]@0")
    assert (
        lines[1] == "9 refused: dead_letter_refused at dead letter 9: no dead letter 9. See: foliot dead-letters list"
    )
    assert captured.err.startswith("redrive_refused at dead letters: 2 of 2 dead letters stay as they are\n")


@pytest.mark.parametrize("arguments", [(), ("1", "--code", "not_json")])
def test_a_redrive_wants_ids_or_a_reason(ask: Ask, arguments: tuple[str, ...]) -> None:
    code, envelope = ask("dead-letters", "redrive", *arguments)

    assert (code, envelope["error"]["code"]) == (2, "usage")


def test_verify_is_green_until_an_instance_is_not_the_fold_of_its_journal(
    site: Site, ask: Ask, fresh_database: Database
) -> None:
    site.step("a", "counted", "counted")
    green = ask("verify")
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("""UPDATE instances SET state = replace(state, '"seen":2', '"seen":3')""")

    code, envelope = ask("verify")

    assert green == (0, {"ok": True, "data": {"rows": 3, "not_replayed": 0, "instances": 1, "findings": []}})
    assert (code, envelope["error"]["code"]) == (1, "not_verified")
    assert [finding["code"] for finding in envelope["data"]["findings"]] == ["not_its_fold"]
    assert run(["verify"]) == 1
