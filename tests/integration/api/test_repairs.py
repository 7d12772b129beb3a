"""Dead letters are redriven and held instances released over HTTP, as by the command line and by the tenant alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from foliot.errors import Refusal
from foliot.registry import bind_topic, create_tenant, load_catalog, move_channel, publish
from foliot.runtime import Record, SetAside, take_in
from foliot.store import connect

if TYPE_CHECKING:
    from conftest import Site

FRAGILE = """
foliot: 1
id: fragile
context: {{initial: {{count: 0}}}}
initial: a
states:
  a: {{on: {{noted: {{target: b}}}}}}
  b: {{always: [{{target: c, guard: "context.count {sign} 0"}}]}}
  c: {{always: [{{target: b, guard: "context.count {sign} 0"}}], on: {{noted: a}}}}
"""


def _redrive(site: Site, number: int, tenant: str = "default") -> Any:
    return site.client.post(f"/v1/dead-letters/{number}/redrive", headers=site.headers(tenant))


def _letters(site: Site) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.database.owner) as connection:
        return connection.execute("SELECT id, stage, status, ended_by FROM dead_letters ORDER BY id").fetchall()


def _refused_by_schema(site: Site) -> int:
    site.send("INC-1", data={"severity": "much"})
    site.step()
    [(number, stage, status, _)] = _letters(site)
    assert (stage, status) == ("step", "open")
    return int(number)


def _parked(site: Site) -> None:
    """An instance of a machine that loops on its event, and what mends it."""
    with closing(connect(site.database.service, application="test")) as connection:
        publish(connection, "default", FRAGILE.format(sign=">="), filename="m.yaml", by="test")
    site.send("F/1", foliotmachine="fragile", type="noted")
    site.step()
    with closing(connect(site.database.service, application="test")) as connection:
        publish(connection, "default", FRAGILE.format(sign="<"), filename="m.yaml", by="test")
        move_channel(
            connection,
            "default",
            "fragile",
            "stable",
            2,
            mode="all",
            expected_revision=None,
            operation_id=None,
            by="test",
        )


def _set_aside(site: Site, topic: str, *, tenant: int = 1) -> None:
    raw = (
        b'{"specversion":"1.0","id":"r1","source":"s","type":"reported","subject":"INC-9","foliotmachine":"incident",'
        b'"data":{"severity":2}}'
    )
    letter = SetAside(
        stage="route",
        refusal=Refusal("unknown_machine", "there is no machine"),
        record=Record("id", topic, 0, 5),
        raw=raw,
        headers='{"key":null,"headers":[["content-type","application/cloudevents+json"]]}',
        tenant=tenant,
    )
    with closing(connect(site.database.service, application="test")) as connection:
        take_in(connection, load_catalog(connection), [], [letter], [], writer="test")


def test_a_redriven_event_is_accepted_once_more_and_the_letter_says_by_whom(site: Site) -> None:
    number = _refused_by_schema(site)
    key = site.doors.caller(site.key()).key

    answer = _redrive(site, number)
    site.step()

    assert (answer.status_code, answer.json()) == (200, {"id": number, "repeated": False})
    # It is refused again, for its schema has not changed, and so there is another letter.
    assert [letter[1:] for letter in _letters(site)] == [("step", "redriven", f"key {key}"), ("step", "open", None)]
    first, second = (site.get(f"/v1/dead-letters/{letter[0]}").json()["event"] for letter in _letters(site))
    assert first == second


def test_a_redrive_that_is_repeated_does_nothing_more(site: Site) -> None:
    number = _refused_by_schema(site)
    site.headers()

    with ThreadPoolExecutor(8) as pool:
        answers = [answer.json() for answer in pool.map(lambda _: _redrive(site, number), range(8))]
    site.step()

    assert sorted(answer["repeated"] for answer in answers) == [False] + 7 * [True]
    assert len(_letters(site)) == 2


def test_a_letter_of_another_tenant_cannot_be_redriven(site: Site) -> None:
    number = _refused_by_schema(site)

    answer = _redrive(site, number, "other")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_dead_letter")
    assert [letter[2] for letter in _letters(site)] == ["open"]


@pytest.mark.parametrize(
    "call",
    [
        b"SELECT repair_end_letter(1, 'x')",
        b"SELECT coalesce(repair_accept_letter(1, 0::int2, 'x') >= 0, false)",
        b"SELECT repair_release((SELECT 1::int2), 1, 'x') IS NOT NULL",
    ],
)
def test_the_database_lets_a_front_door_repair_nothing_of_another_tenant(site: Site, call: bytes) -> None:
    _refused_by_schema(site)

    with psycopg.connect(site.database.front) as connection:
        connection.execute("SELECT set_config('app.tenant', '2', true)")
        row = connection.execute(call).fetchone()

    assert row == (False,)
    assert [letter[2] for letter in _letters(site)] == ["open"]


def test_a_front_door_without_a_tenant_repairs_nothing(site: Site) -> None:
    _refused_by_schema(site)

    with psycopg.connect(site.database.front) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT repair_end_letter(1, 'x')")


def test_a_parked_instance_goes_on_after_a_redrive(site: Site) -> None:
    _parked(site)
    [(number, stage, _, _)] = _letters(site)
    held = site.get("/v1/instances/fragile/F%2F1").json()

    answer = _redrive(site, number)
    site.step()

    after = site.get("/v1/instances/fragile/F%2F1").json()
    assert (stage, held["mode"], held["held"]) == ("park", "held", 1)
    assert answer.json() == {"id": number, "repeated": False}
    assert (after["mode"], after["held"], after["configuration"]) == ("running", 0, ["b"])


def test_a_held_instance_is_released_and_one_that_is_not_held_is_not(site: Site) -> None:
    _parked(site)
    path = "/v1/instances/fragile/F%2F1/release"

    elsewhere = site.client.post(path, headers=site.headers("other"))
    released = site.client.post(path, headers=site.headers())
    again = site.client.post(path, headers=site.headers())
    site.step()

    assert elsewhere.status_code == 404
    assert (released.status_code, released.json()["held"]) == (200, 1)
    assert (again.status_code, again.json()["code"]) == (409, "not_held")
    assert site.get("/v1/instances/fragile/F%2F1").json()["mode"] == "running"
    assert [letter[2] for letter in _letters(site)] == ["redriven"]


def test_a_record_that_was_refused_is_read_again_and_taken_in_once(site: Site) -> None:
    _set_aside(site, "foliot.events.high")

    first = _redrive(site, 1)
    again = _redrive(site, 1)
    site.step()

    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert site.get("/v1/instances/incident/INC-9").json()["position"] == 2


def test_a_record_of_a_topic_that_is_another_tenants_now_stays_where_it_is(site: Site) -> None:
    _set_aside(site, "foliot.events.high")
    with closing(connect(site.database.service, application="test")) as connection:
        create_tenant(connection, "third")
        bind_topic(connection, "foliot.events.high", "third")

    answer = _redrive(site, 1)

    assert (answer.status_code, answer.json()["code"]) == (409, "dead_letter_refused")
    assert [letter[2] for letter in _letters(site)] == ["open"]


def test_an_operation_of_operators_wants_their_scope(site: Site) -> None:
    headers = site.headers("default", "read", "send", "publish")

    answers = [
        site.client.post(path, headers=headers)
        for path in ("/v1/dead-letters/1/redrive", "/v1/instances/incident/a/release")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == 2 * [(403, "forbidden")]
