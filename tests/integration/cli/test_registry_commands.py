"""What an operator does with machines, from the first publication to a refused move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from addresses import Database, PostgresAt
from machine_texts import door

from foliot.cli import run

Ask = Callable[..., tuple[int, dict[str, Any]]]


def _publish(ask: Ask, *steps: int) -> None:
    for count in steps:
        Path("door.yaml").write_text(door(steps=count))
        assert ask("publish", "door.yaml")[0] == 0


def test_a_machine_is_published_listed_and_compared(ask: Ask) -> None:
    _publish(ask, 1, 2)
    code, again = ask("publish", "door.yaml")

    _, machines = ask("machines")
    _, versions = ask("versions", "door")
    _, differences = ask("diff", "door", "1", "2")

    assert (code, again["data"][0]["version"], again["data"][0]["created"]) == (0, 2, False)
    assert [(each["name"], each["newest"]) for each in machines["data"]] == [("door", 2)]
    assert [(each["version"], each["channels"]) for each in versions["data"]] == [(1, ["stable"]), (2, [])]
    assert {"kind": "added", "what": "state", "path": "s2", "before": "", "after": "final"} in differences["data"][
        "differences"
    ]


def test_nothing_is_published_when_one_file_is_wrong(ask: Ask) -> None:
    Path("good.yaml").write_text(door())
    Path("bad.yaml").write_text(door().replace("initial: s0", "initial: nowhere"))

    code, envelope = ask("publish", "good.yaml", "bad.yaml")

    assert (code, envelope["error"]["code"]) == (1, "definition_refused")
    assert envelope["data"]["diagnostics"][0]["file"] == "bad.yaml"
    assert ask("machines")[1]["data"] == []


def test_a_channel_moves_by_compare_and_set(ask: Ask) -> None:
    _publish(ask, 1, 2)
    seen = ask("channel", "show", "door")[1]["data"][0]["revision"]

    moved = ask("channel", "move", "door", "--to", "2", "--mode", "all", "--expect", str(seen))
    late = ask("channel", "move", "door", "--to", "1", "--expect", str(seen))

    assert moved[0] == 0
    assert (moved[1]["data"]["version"], moved[1]["data"]["all_version"]) == (2, 2)
    assert (late[0], late[1]["error"]["code"]) == (1, "channel_moved")


def test_a_channel_moves_to_the_newest_version_unless_told(ask: Ask) -> None:
    _publish(ask, 1, 2, 3)

    code, envelope = ask("channel", "move", "door", "--operation-id", "x")
    repeated = ask("channel", "move", "door", "--operation-id", "x")

    assert (code, envelope["data"]["version"]) == (0, 3)
    assert repeated == (0, envelope)


def test_a_version_in_use_is_not_deprecated(ask: Ask) -> None:
    _publish(ask, 1, 2)

    refused = ask("deprecate", "door", "1")
    done = ask("deprecate", "door", "2")

    assert (refused[0], refused[1]["error"]["code"]) == (1, "version_in_use")
    assert done[0] == 0


def test_tenants_topics_schemas_and_routes_are_made(ask: Ask) -> None:
    Path("schema.json").write_text('{"type": "object"}')
    Path("route.yaml").write_text(
        "{name: t, topic: jira, match: 'true', machine: \"'door'\", key: record.key, type: \"'go'\", id: record.key,"
        " schema: any}"
    )

    answers = [
        ask("tenant", "create", "acme"),
        ask("topic", "bind", "orders", "--tenant", "acme"),
        ask("schema", "publish", "any", "schema.json", "--tenant", "acme"),
        ask("route", "publish", "route.yaml", "--tenant", "acme"),
        ask("topic", "bind", "jira", "--tenant", "acme"),
    ]

    assert [code for code, _ in answers] == [0] * 5
    assert answers[-1][1]["data"]["changed"] is False


def test_keys_are_made_listed_replaced_and_ended(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pepper = ask("keys", "create", "shop", "--scope", "send")
    monkeypatch.setenv("FOLIOT_KEY_PEPPER", "p" * 32)
    _, made = ask("keys", "create", "shop", "--scope", "send", "--scope", "read", "--days", "1")

    old = made["data"]["id"]
    _, rotated = ask("keys", "rotate", old, "--grace", "0")
    new = rotated["data"]["id"]
    again = ask("keys", "rotate", old)
    revoked = ask("keys", "revoke", new)
    _, listed = ask("keys", "list")
    unknown = ask("keys", "revoke", "000000000000")

    assert (without_pepper[0], without_pepper[1]["error"]["code"]) == (1, "no_pepper")
    assert made["data"]["token"].startswith(f"foliot_{old}_")
    assert (rotated["data"]["name"], rotated["data"]["scopes"], rotated["data"]["expires_at"]) == (
        *("shop", ["send", "read"]),
        None,
    )
    assert (revoked[0], again[1]["error"]["code"], unknown[1]["error"]["code"]) == (0, "unknown_key", "unknown_key")
    states = {key["id"]: (key["expires_at"] is not None, key["revoked_at"] is not None) for key in listed["data"]}
    assert states == {old: (True, False), new: (False, True)}
    assert made["data"]["token"][-64:] not in str(listed)


def test_people_read_columns_and_errors_with_a_remedy(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    _publish(ask, 1)

    codes = run(["machines"]), run(["versions", "dor"])

    captured = capsys.readouterr()
    assert codes == (0, 1)
    assert captured.out.splitlines() == ["machine  versions  newest  channels", "door     1         1       stable=1"]
    assert captured.err == "unknown_machine at machine: there is no machine 'dor'\nDid you mean 'door'?\n"


def test_the_database_tells_how_new_it_is(
    ask: Ask, postgres_server: PostgresAt, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = f"{fresh_database.name}_empty"
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{empty}"')
    try:
        there = ask("db", "status")
        monkeypatch.setenv("FOLIOT_DSN_OWNER", postgres_server.dsn_of(empty))
        before, upgraded, after = ask("db", "status"), ask("db", "upgrade"), ask("db", "status")
    finally:
        with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{empty}" WITH (FORCE)')

    assert (there[0], there[1]["data"]["shards"]) == (0, 64)
    assert (before[0], before[1]["error"]["code"]) == (1, "database_outdated")
    assert (upgraded[0], after[0]) == (0, 0)
    assert after[1]["data"]["tables"] == after[1]["data"]["newest"] == upgraded[1]["data"]["revision"]
