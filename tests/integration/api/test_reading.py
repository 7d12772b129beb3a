"""Instances, machines and health over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import TYPE_CHECKING

import pytest

from foliot.history import progress
from foliot.store import Connection

if TYPE_CHECKING:
    from conftest import Site


def test_an_unchanged_instance_is_not_sent_again(site: Site) -> None:
    site.send("INC-1")
    site.step()
    first = site.get("/v1/instances/incident/INC-1")

    same = site.get("/v1/instances/incident/INC-1", **{"if-none-match": first.headers["etag"]})
    site.send("INC-1", id="two")
    site.step()
    changed = site.get("/v1/instances/incident/INC-1", **{"if-none-match": first.headers["etag"]})

    assert (first.status_code, same.status_code, changed.status_code) == (200, 304, 200)


@pytest.mark.parametrize("form", ["*", "W/{}", '"other", {}'])
def test_whoever_knows_an_instance_in_any_form_is_not_sent_it(site: Site, form: str) -> None:
    site.send("INC-1")
    site.step()
    tag = site.get("/v1/instances/incident/INC-1").headers["etag"]

    same = site.get("/v1/instances/incident/INC-1", **{"if-none-match": form.format(tag)})

    assert (same.status_code, same.headers["etag"], same.content) == (304, tag, b"")


def test_a_read_after_a_position_waits_for_it(site: Site) -> None:
    position = site.send("INC-1").json()["position"]

    early = site.get(f"/v1/instances/incident/INC-1?after={position}&wait=0.1")
    site.step()
    late = site.get(f"/v1/instances/incident/INC-1?after={position}&wait=0.1")

    assert (early.status_code, early.json()["code"]) == (503, "not_yet_applied")
    assert late.json()["position"] == 2


def test_a_position_of_another_map_of_shards_is_refused(site: Site) -> None:
    position = site.send("INC-1").json()["position"]

    answer = site.get(f"/v1/instances/incident/INC-1?after=2{position.removeprefix('1')}")

    assert (answer.status_code, answer.json()["code"]) == (422, "position_invalid")


def test_reads_that_wait_together_are_all_woken_by_few_looks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looking, all_wait = threading.Lock(), threading.Event()
    looks_at_once = 0
    look = progress.look
    positions = {key: site.send(key).json()["position"] for key in (f"INC-{number}" for number in range(20))}
    shards = {int(position.split(".")[1]) for position in positions.values()}

    def watched(connection: Connection, asked: Collection[int]) -> progress.Progress:
        nonlocal looks_at_once
        if not looking.acquire(blocking=False):
            looks_at_once += 1
            return look(connection, asked)
        try:
            if shards <= set(asked):
                all_wait.set()
            return look(connection, asked)
        finally:
            looking.release()

    monkeypatch.setattr(progress, "look", watched)
    answers: list[int] = []

    def read(key: str, position: str) -> None:
        answers.append(site.get(f"/v1/instances/incident/{key}?after={position}&wait=30").status_code)

    readers = [threading.Thread(target=read, args=each) for each in positions.items()]
    for reader in readers:
        reader.start()
    seen_together = all_wait.wait(30)
    site.step()
    for reader in readers:
        reader.join()

    assert answers == [200] * 20
    # Each for itself would look at its own shard, beside the others.
    assert (seen_together, looks_at_once) == (True, 0)


def test_pages_of_instances_name_each_once(site: Site) -> None:
    keys = {f"INC-{number}" for number in range(23)}
    for key in keys:
        site.send(key)
    site.step()

    found, cursor = [], ""
    for _ in range(10):
        page = site.get(f"/v1/instances/incident?count=5&cursor={cursor}").json()
        found += [item["key"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break

    assert len(found) == 23
    assert set(found) == keys


def test_a_history_is_read_page_by_page_to_its_start(site: Site) -> None:
    for number in range(5):
        site.send("a/b c", id=f"e{number}")
    site.step()

    first = site.get("/v1/instances/incident/a%2Fb%20c/history?count=4").json()
    second = site.get(f"/v1/instances/incident/a%2Fb%20c/history?count=4&before={first['next']}").json()

    assert [step["position"] for step in first["items"] + second["items"]] == [6, 5, 4, 3, 2, 1]
    assert (second["items"][-1]["kind"], second["next"]) == ("start", None)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/instances/incident/none", 404, "unknown_instance"),
        ("/v1/instances/nothing/none", 404, "not_found"),
        ("/v1/instances/incident?cursor=!!", 422, "cursor_invalid"),
        ("/v1/instances/incident?count=0", 422, "request_invalid"),
        ("/v1/instances/incident/x?after=1.2", 422, "position_invalid"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
def test_what_is_not_there_or_not_asked_rightly_is_a_problem(site: Site, path: str, status: int, code: str) -> None:
    answer = site.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_machines_are_shown_with_channels_and_versions(site: Site) -> None:
    listed = site.get("/v1/machines").json()
    shown = site.get("/v1/machines/incident").json()

    assert [machine["name"] for machine in listed["items"]] == ["incident"]
    assert shown["channels"][0]["name"] == "stable"
    assert [version["version"] for version in shown["versions"]] == [1]


def test_health_needs_no_key(site: Site) -> None:
    live = site.client.get("/healthz/live")
    ready = site.client.get("/healthz/ready")

    assert (live.status_code, ready.status_code) == (200, 200)


def test_dead_letters_are_listed_and_shown_to_their_tenant_alone(site: Site) -> None:
    site.send("INC-1", data={"severity": "much"})
    site.step()

    [letter] = site.get("/v1/dead-letters").json()["items"]
    whole = site.get(f"/v1/dead-letters/{letter['id']}").json()
    elsewhere = site.get(f"/v1/dead-letters/{letter['id']}", tenant="other")

    assert (letter["code"], letter["key"]) == ("data_outside_schema", "INC-1")
    assert whole["event"]["data"] == {"severity": "much"}
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "unknown_dead_letter")
    assert site.get("/v1/dead-letters", tenant="other").json()["items"] == []
