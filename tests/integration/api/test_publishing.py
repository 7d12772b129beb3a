"""Machines are published and channels moved over HTTP, each tenant's by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from integration.api.conftest import EXAMPLES, serving

from foliot.api import Doors
from foliot.registry import bind_topic
from foliot.runtime import NoWake
from foliot.store import connect

if TYPE_CHECKING:
    from conftest import Site

SECOND = (EXAMPLES / "incident" / "incident.v2.yaml").read_text()
SENDING = """
foliot: 1
id: sender
initial: a
states:
  a:
    entry: [{send: {event: told, to: {topic: theirs}}}]
"""


def _publish(site: Site, text: str, *, tenant: str = "default", **headers: str) -> Any:
    content = {"content-type": "application/yaml", **site.headers(tenant), **headers}
    return site.client.post("/v1/machines", content=text, headers=content)


def _move(site: Site, version: int, mode: str = "new", channel: str = "stable", **headers: str) -> Any:
    return site.client.put(
        f"/v1/machines/incident/channels/{channel}",
        json={"version": version, "mode": mode},
        headers={**site.headers(), **headers},
    )


def test_a_machine_is_published_once_and_said_again(site: Site) -> None:
    first = _publish(site, SECOND)
    again = _publish(site, SECOND)

    assert (first.status_code, first.json()["version"], first.json()["created"]) == (201, 2, True)
    assert (again.status_code, again.json()["version"], again.json()["created"]) == (200, 2, False)
    assert site.get("/v1/machines/incident", tenant="other").json()["versions"][-1]["version"] == 1


def test_a_machine_may_come_as_scxml(site: Site) -> None:
    text = '<scxml xmlns="http://www.w3.org/2005/07/scxml" name="door"><state id="shut"/></scxml>'

    answer = _publish(site, text, **{"content-type": "application/scxml+xml"})
    refused = _publish(site, text.replace("/>", ">"), **{"content-type": "application/scxml+xml"})

    assert (answer.status_code, answer.json()["machine"]) == (201, "door")
    assert (refused.status_code, refused.json()["diagnostics"][0]["code"]) == (422, "D801")


def test_a_definition_with_faults_is_refused_with_all_of_them(site: Site) -> None:
    answer = _publish(site, "foliot: 1\nid: x\ninitial: nowhere\nstates: {a: {on: {go: b}}}\n")

    assert (answer.status_code, answer.json()["code"]) == (422, "definition_refused")
    assert {fault["code"] for fault in answer.json()["diagnostics"]} >= {"D303", "D401"}
    assert all(fault["line"] > 0 for fault in answer.json()["diagnostics"])


def test_a_channel_is_moved_only_by_who_has_seen_its_revision(site: Site) -> None:
    _publish(site, SECOND)
    [channel] = site.get("/v1/machines/incident").json()["channels"]

    unseen = _move(site, 2)
    moved = _move(site, 2, "all", **{"if-match": f'"{channel["revision"]}"'})
    late = _move(site, 1, **{"if-match": f'"{channel["revision"]}"'})

    assert (unseen.status_code, unseen.json()["code"]) == (428, "precondition_required")
    assert (moved.status_code, moved.json()["all_version"]) == (200, 2)
    assert moved.headers["etag"] == f'"{moved.json()["revision"]}"'
    assert (late.status_code, late.json()["code"]) == (412, "channel_moved")


def test_a_new_channel_is_made_where_there_is_none(site: Site) -> None:
    made = _move(site, 1, channel="canary", **{"if-none-match": "*"})
    again = _move(site, 1, channel="canary", **{"if-none-match": "*"})

    assert (made.status_code, made.json()["name"]) == (200, "canary")
    assert again.status_code == 412


def test_a_repeated_call_is_done_once(site: Site) -> None:
    first = _publish(site, SECOND, **{"idempotency-key": "one"})
    again = _publish(site, SECOND, **{"idempotency-key": "one"})
    other = _publish(site, SENDING, **{"idempotency-key": "one"})

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "operation_reused")


@pytest.mark.parametrize(("tenant", "status"), [("default", 409), ("other", 201)])
def test_a_machine_sends_to_no_topic_of_another_tenant(site: Site, tenant: str, status: int) -> None:
    with connect(site.database.service, application="test") as connection:
        bind_topic(connection, "theirs", "other")

    answer = _publish(site, SENDING, tenant=tenant)

    assert answer.status_code == status


def test_an_unknown_version_or_machine_is_not_found(site: Site) -> None:
    [channel] = site.get("/v1/machines/incident").json()["channels"]

    version = _move(site, 9, **{"if-match": f'"{channel["revision"]}"'})
    machine = site.client.put(
        "/v1/machines/nothing/channels/stable", json={"version": 1}, headers={**site.headers(), "if-match": '"1"'}
    )

    assert (version.status_code, version.json()["code"]) == (404, "unknown_version")
    assert (machine.status_code, machine.json()["code"]) == (404, "not_found")


def test_a_definition_is_checked_before_a_connection_is_borrowed_for_it(site: Site) -> None:
    settings = site.settings.model_copy(update={"api_connections": 1})
    doors = Doors(settings, NoWake())
    with serving(doors) as client:
        caller = doors.caller(site.key())
        headers = {"content-type": "application/yaml", **site.headers()}
        with doors.reading(caller) as lent:
            # Lent, but in no transaction, which the server would end after a while.
            lent.rollback()
            faulty = client.post("/v1/machines", content="foliot: 1\n", headers=headers)
            sound = client.post("/v1/machines", content=SECOND, headers=headers)

    assert (faulty.status_code, faulty.json()["code"]) == (422, "definition_refused")
    assert (sound.status_code, sound.json()["code"]) == (503, "pool_exhausted")


def test_what_is_not_said_to_be_a_definition_is_not_read(site: Site) -> None:
    answer = _publish(site, SECOND, **{"content-type": "text/plain"})

    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")


def test_a_key_is_looked_at_before_a_body_and_a_body_is_read_no_further_than_it_may_be_large(site: Site) -> None:
    body = b" " * 1_000_000

    unknown = site.client.put("/v1/machines/incident/channels/stable", content=body)
    known = site.client.put(
        "/v1/machines/incident/channels/stable", content=body, headers={**site.headers(), "if-match": '"1"'}
    )

    assert (unknown.status_code, known.status_code) == (401, 413)


def test_a_key_without_the_scope_publishes_nothing(site: Site) -> None:
    headers = {**site.headers("default", "read", "send"), "content-type": "application/yaml"}

    answer = site.client.post("/v1/machines", content=SECOND, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_machine_that_takes_too_much_to_check_is_refused_and_the_next_one_is_not(site: Site) -> None:
    ones = f"[{', '.join('1' * 100)}]"
    costly = f"""
foliot: 1
id: costly
context: {{initial: {{n: 0}}}}
initial: a
states:
  a: {{always: [{{guard: context.n < 400, target: b}}]}}
  b:
    always:
      - guard: context.n > -1
        target: a
        actions: [{{assign: {{n: "context.n + size({ones}.map(x, {ones}.map(y, [x, y]))) / 100"}}}}]
"""
    doors = Doors(site.settings.model_copy(update={"api_check_s_max": 1}), NoWake())
    headers = {"content-type": "application/yaml", **site.headers()}
    with serving(doors) as client:
        refused = client.post("/v1/machines", content=costly, headers=headers)
        taken = client.post("/v1/machines", content=SECOND, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (422, "check_too_costly")
    assert taken.status_code == 201


def test_so_many_machines_are_published_at_a_time_and_others_come_again(site: Site) -> None:
    doors = Doors(site.settings.model_copy(update={"api_publications_max": 1}), NoWake())
    headers = {"content-type": "application/yaml", **site.headers()}
    with serving(doors) as client, doors.publications.seat("another"):
        refused = client.post("/v1/machines", content=SECOND, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "1"
