"""Who may do what: keys, scopes, tenants, pace, and what the front role cannot see."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from integration.api.conftest import serving
from psycopg import sql

from foliot.access import list_keys, make_key, revoke_key, rotate_key
from foliot.api import Doors
from foliot.api.doors import UnsafeRole
from foliot.cli.serving import OpenDoor, check_binding
from foliot.runtime import NoWake
from foliot.store import connect
from foliot.store.schema import tables

if TYPE_CHECKING:
    from conftest import Site


@pytest.mark.parametrize("token", ["", "x", "foliot_000000000000_" + "0" * 64, "Basic abc"])
def test_a_request_without_a_good_key_is_refused(site: Site, token: str) -> None:
    answer = site.client.get("/v1/machines", headers={"authorization": f"Bearer {token}"} if token else {})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_secret_of_a_known_key_tells_nothing_about_it(site: Site) -> None:
    token = site.key()[:-1] + ("0" if site.key()[-1] != "0" else "1")

    answer = site.client.get("/v1/machines", headers={"authorization": f"Bearer {token}"})

    assert answer.json()["detail"] == "the key is not known"


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


@pytest.mark.parametrize("table", [table.name for table in tables.metadata.sorted_tables])
def test_the_front_role_sees_no_row_of_another_tenant(site: Site, table: str) -> None:
    site.send("INC-1", tenant="default")
    site.step()

    with psycopg.connect(site.database.front) as connection:
        connection.execute("SELECT set_config('app.tenant', '2', true)")
        try:
            rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
            names = [
                column.name
                for column in connection.execute(
                    sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))
                ).description
                or ()
            ]
        except psycopg.errors.InsufficientPrivilege:
            return

    tenant = "number" if table == "tenants" else "tenant"
    assert {row[names.index(tenant)] for row in rows} <= {2}


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
