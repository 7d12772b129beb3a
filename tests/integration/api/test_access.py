"""Who may do what: keys, scopes, tenants, pace, and what the front role cannot see."""

from __future__ import annotations

import hmac
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest
from integration.api.conftest import serving
from psycopg import sql

from foliot.access import KeyRefused, authenticate, list_keys, make_key, revoke_key, rotate_key
from foliot.api import Doors
from foliot.api.doors import UnsafeRole
from foliot.cli.serving import OpenDoor, check_binding
from foliot.registry import publish, publish_route, publish_schema
from foliot.runtime import NoWake
from foliot.store import connect
from foliot.store.schema import tables

if TYPE_CHECKING:
    from conftest import Site

ROUTE = (
    "{name: t, topic: jira, match: 'true', machine: \"'incident'\", key: record.key, type: \"'go'\", id: record.key,"
    " schema: any}"
)
LOOP = """
foliot: 1
id: loop
context: {initial: {count: 0}}
initial: a
states:
  a: {on: {noted: b}}
  b: {always: [{target: c, guard: "context.count >= 0"}]}
  c: {always: [{target: b, guard: "context.count >= 0"}]}
"""
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize("token", ["", "x", "foliot_000000000000_" + "0" * 64, "Basic abc"])
def test_a_request_without_a_good_key_is_refused(site: Site, token: str) -> None:
    answer = site.client.get("/v1/machines", headers={"authorization": f"Bearer {token}"} if token else {})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_secret_of_a_known_key_tells_nothing_about_it(site: Site) -> None:
    token = site.key()[:-1] + ("0" if site.key()[-1] != "0" else "1")

    answer = site.client.get("/v1/machines", headers={"authorization": f"Bearer {token}"})

    assert answer.json()["detail"] == "the key is not known"


def test_a_secret_is_compared_in_constant_time_also_where_there_is_no_such_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare, compared = hmac.compare_digest, []

    def noted(right: bytes, given: bytes) -> bool:
        compared.append((len(right), len(given)))
        return compare(right, given)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    tokens = (site.key(), site.key()[:-4] + "0000", "foliot_000000000000_" + "0" * 64)
    with closing(connect(site.database.front, application="test")) as connection:
        for token in tokens:
            with suppress(KeyRefused):
                authenticate(connection, site.settings.key_pepper, token)

    assert compared == [(32, 32)] * 3


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/healthz/live", {}, 200),
        ("GET", "/v1/machines", {}, 200),
        ("GET", "/v1/watch?seconds=0", {}, 200),
        ("GET", "/v1/nothing", {}, 404),
        ("POST", "/v1/events", {}, 415),
        ("POST", "/v1/events?wait=1", {}, 415),
        ("GET", "/v1/machines", {"x-padding": "x" * 20_000}, 431),
    ],
)
def test_every_answer_has_the_headers_that_hold_browsers_back(
    site: Site, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = site.client.request(method, path, headers={**site.headers(), **headers})

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_key_does_only_what_its_scopes_allow(site: Site) -> None:
    reading = site.client.get("/v1/machines", headers=site.headers("default", "send"))
    sending = site.client.post("/v1/events", json={}, headers=site.headers("default", "read"))

    assert (reading.status_code, sending.status_code) == (403, 403)
    assert reading.json()["code"] == "forbidden"


def test_a_tenant_sees_nothing_of_another(site: Site) -> None:
    site.send("INC-1", tenant="default")
    site.step()

    there = site.get("/v1/instances/incident/INC-1", tenant="default")
    elsewhere = site.get("/v1/instances/incident/INC-1", tenant="other")
    listed = site.get("/v1/instances/incident", tenant="other")

    assert there.status_code == 200
    assert elsewhere.status_code == 404
    assert listed.json()["items"] == []


def test_the_same_id_of_two_tenants_is_two_events(site: Site) -> None:
    site.send("INC-1", tenant="default")

    answer = site.send("INC-1", tenant="other", data={"severity": 1})

    assert (answer.status_code, answer.json()["duplicate"]) == (202, False)


def test_the_front_role_sees_no_row_of_another_tenant(site: Site) -> None:
    _fill(site)
    names = [table.name for table in tables.metadata.sorted_tables]

    seen = {name: tenants for name in names if (tenants := _tenants_in(site.database.front, name)) is not None}

    assert seen.keys() == {"tenants", *(table.name for table in tables.FRONT_TABLES)}
    # There is something in each that it must not see.
    assert [name for name in seen if 1 not in (_tenants_in(site.database.owner, name) or ())] == []
    assert {name: tenants - {2} for name, tenants in seen.items() if tenants - {2}} == {}


def _fill(site: Site) -> None:
    """Put rows of the first tenant into every table that the front role may read."""
    with closing(connect(site.database.service, application="test")) as connection:
        publish_schema(connection, "default", "any", "{}")
        publish_route(connection, "default", ROUTE)
        publish(connection, "default", LOOP, filename="m.yaml", operation_id="o", by="test")
    # An instance that steps, an event that does not fit, and one that parks its instance.
    site.send("INC-1")
    site.send("INC-1", id="bad", data={"severity": "much"})
    site.send("L-1", foliotmachine="loop", type="noted")
    site.step()


def _tenants_in(dsn: str, table: str) -> set[int] | None:
    """Give whose rows a role sees in a table as the second tenant; None where it may not read it."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT set_config('app.tenant', '2', true)")
        try:
            found = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
        except psycopg.errors.InsufficientPrivilege:
            return None
        names = [column.name for column in found.description or ()]
        return {row[names.index("number" if table == "tenants" else "tenant")] for row in found}


CALLS = {
    "catalog": b"SELECT * FROM front_catalog()",
    "take_in": b"SELECT * FROM front_take_in(1" + b", '{}'" * 12 + b")",
}


@pytest.mark.parametrize("call", CALLS)
def test_the_functions_of_the_front_doors_want_a_tenant(site: Site, call: str) -> None:
    with psycopg.connect(site.database.front) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(CALLS[call])


def test_an_event_for_a_machine_of_another_tenant_is_refused_by_the_database(site: Site) -> None:
    with psycopg.connect(site.database.front) as connection:
        connection.execute("SELECT set_config('app.tenant', '2', true)")

        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="not of this tenant"):
            connection.execute(
                "SELECT * FROM front_take_in(1, '{a}', '{h}', '{0}', '{4}', '{1}', '{k}', '{e}', '{s}', '{t}', '{}',"
                " '{}', '{}')"
            )


def test_a_key_is_replaced_and_ended(site: Site) -> None:
    with closing(connect(site.database.service, application="test")) as connection:
        pepper = site.settings.key_pepper
        old = make_key(connection, pepper, "default", name="n", scopes=("read",), days=1, by="test")
        new = rotate_key(connection, pepper, "default", old.id, grace_s=0, days=None, by="test")
        gone = make_key(connection, pepper, "default", name="g", scopes=("read",), days=None, by="test")
        revoke_key(connection, "default", gone.id)
        kept = {key.id: key for key in list_keys(connection, "default")}

    answers = [
        site.client.get("/v1/machines", headers={"authorization": f"Bearer {key.token}"}) for key in (old, new, gone)
    ]

    assert [answer.status_code for answer in answers] == [401, 200, 401]
    assert [answers[0].json()["detail"], answers[2].json()["detail"]] == ["the key has expired", "the key was revoked"]
    assert kept[new.id].scopes == ("read",)
    assert old.token not in repr(kept)


def test_the_api_refuses_a_role_that_row_level_security_does_not_bind(site: Site) -> None:
    settings = site.settings.model_copy(update={"dsn_front": site.database.owner})

    with pytest.raises(UnsafeRole), Doors(settings, NoWake()):
        pass


def test_the_api_refuses_the_role_of_the_service(site: Site) -> None:
    settings = site.settings.model_copy(update={"dsn_front": site.database.service})

    with pytest.raises(UnsafeRole), Doors(settings, NoWake()):
        pass


def test_a_temporary_table_does_not_stand_before_those_that_functions_read(site: Site) -> None:
    with psycopg.connect(site.database.owner) as connection:
        rows = connection.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND (prosecdef OR"
            " proname ~ '^take_in')"
        ).fetchall()

    assert len(rows) > 8
    assert [name for name, settings in rows if "search_path=pg_catalog, public, pg_temp" not in (settings or [])] == []


def test_a_place_without_a_shard_is_refused_and_not_taken_for_a_duplicate(site: Site) -> None:
    events = "'{a}', '{h}', '{99}', '{4}', '{1}', '{k}', '{e}', '{s}', '{t}', '{}', '{}', '{}'"
    asked = sql.SQL("SELECT t.* FROM front_catalog() c, front_take_in(c.revision, {}) t").format(sql.SQL(events))
    with psycopg.connect(site.database.front) as connection:
        connection.execute("SELECT set_config('app.tenant', '1', true)")

        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(asked)


def test_web_pages_are_not_taken_for_callers_of_this_machine(site: Site) -> None:
    settings = site.settings.model_copy(update={"api_anonymous_tenant": "default"})
    with serving(Doors(settings, NoWake())) as client:
        own = client.get("/v1/machines")
        foreign = client.get("/v1/machines", headers={"origin": "https://example.org"})
        renamed = client.get("/v1/machines", headers={"host": "example.org"})
        wrong = client.get("/v1/machines", headers={"authorization": "Basic abc"})

    assert [answer.status_code for answer in (own, foreign, renamed, wrong)] == [200, 403, 403, 401]


@pytest.mark.parametrize("changes", [{}, {"api_anonymous_tenant": "default"}])
def test_the_api_binds_elsewhere_only_with_keys(site: Site, changes: dict[str, str]) -> None:
    settings = site.settings.model_copy(update={"api_host": "0.0.0.0", **changes})  # noqa: S104 - to be refused

    with pytest.raises(OpenDoor):
        check_binding(settings)

    if not changes:
        site.key()
        check_binding(settings)


def test_a_key_that_is_too_fast_is_told_when_to_come_again(site: Site) -> None:
    settings = site.settings.model_copy(update={"api_requests_per_s": 0.5})
    with serving(Doors(settings, NoWake())) as client:
        answers = [client.get("/v1/machines", headers=site.headers()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_callers_without_a_key_may_be_let_in_as_a_tenant(site: Site) -> None:
    settings = site.settings.model_copy(update={"api_anonymous_tenant": "default"})
    with serving(Doors(settings, NoWake())) as client:
        answer = client.get("/v1/machines")

    assert [machine["name"] for machine in answer.json()["items"]] == ["incident"]
