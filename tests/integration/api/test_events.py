"""Events over HTTP: taken in once, in either mode, and told where they stand."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import orjson
import pytest

from foliot.cloudevents import CloudEvent
from foliot.registry import load_catalog
from foliot.runtime import admit, claim_of, find_machine, take_in
from foliot.store import connect

if TYPE_CHECKING:
    from conftest import Site


def test_an_event_is_accepted_with_its_position_and_applied_once(site: Site) -> None:
    first = site.send()
    again = site.send()

    site.step()

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["position"].startswith("1.")
    assert (first.json()["duplicate"], again.json()["duplicate"]) == (False, True)
    assert site.get("/v1/instances/incident/INC-1").json()["context"]["seen"] == 1


def test_binary_mode_says_the_same(site: Site) -> None:
    headers = {
        **site.headers(),
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "b1",
        "ce-source": "test",
        "ce-type": "reported",
        "ce-subject": "INC-%C3%A4",
        "ce-foliotmachine": "incident",
    }

    answer = site.client.post("/v1/events", content=b'{"severity":2}', headers=headers)
    site.step()

    assert answer.status_code == 202
    assert site.get("/v1/instances/incident/INC-ä").json()["position"] == 2


def test_a_reused_id_with_another_content_is_a_conflict_and_changes_nothing(site: Site) -> None:
    site.send()

    answer = site.send(data={"severity": 1})
    site.step()

    assert (answer.status_code, answer.json()["code"]) == (409, "id_reused")
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.get("/v1/instances/incident/INC-1").json()["context"]["seen"] == 1


def test_a_batch_is_answered_event_by_event(site: Site) -> None:
    site.send("INC-1")
    events = [
        {
            "specversion": "1.0",
            "id": id_,
            "source": "test",
            "type": "reported",
            "subject": key,
            "foliotmachine": "incident",
            "data": {"severity": severity},
        }
        for id_, key, severity in (("x", "INC-2", 1), ("INC-1-1", "INC-1", 9), ("x", "INC-2", 1), ("x", "INC-2", 4))
    ]
    headers = {**site.headers(), "content-type": "application/cloudevents-batch+json"}

    answer = site.client.post("/v1/events", content=orjson.dumps(events), headers=headers)

    assert answer.status_code == 409
    results = answer.json()["results"]
    assert [result.get("code") for result in results] == [None, "id_reused", None, "id_reused"]
    assert [result.get("duplicate") for result in results] == [False, None, True, None]
    assert results[0]["position"] == results[2]["position"]


def test_one_bad_event_refuses_its_batch_and_names_its_place(site: Site) -> None:
    good = {
        "specversion": "1.0",
        "id": "g",
        "source": "test",
        "type": "reported",
        "subject": "INC-1",
        "foliotmachine": "incident",
    }
    headers = {**site.headers(), "content-type": "application/cloudevents-batch+json"}

    answer = site.client.post("/v1/events", json=[good, {**good, "subject": ""}], headers=headers)
    site.step()

    assert (answer.status_code, answer.json()["code"], answer.json()["index"]) == (422, "attribute_empty", 1)
    assert site.get("/v1/instances/incident/INC-1").status_code == 404


@pytest.mark.parametrize(
    ("attributes", "status", "code"),
    [
        ({"foliotmachine": "incidnet"}, 422, "unknown_machine"),
        ({"foliottenant": "other"}, 403, "tenant_mismatch"),
        ({"foliotlane": "fast"}, 422, "lane_unknown"),
        ({"type": "done.state.x"}, 422, "type_reserved"),
        ({"subject": "k" * 600}, 422, "key_too_long"),
        ({"time": "yesterday"}, 422, "time_invalid"),
        ({"specversion": "0.3"}, 422, "specversion_unsupported"),
        ({"id": "a\u0000b"}, 422, "nul_character"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_with_a_problem(
    site: Site, attributes: dict[str, object], status: int, code: str
) -> None:
    answer = site.send(**attributes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert all(answer.json()[member] for member in ("type", "title", "detail", "where", "remedy"))


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 1010 + b"0." + b"0" * 30 + b"]" * 1010,
        b'{"data":' * 300 + b"1" + b"}" * 300,
        b'{"' + b"n" * 20_000 + b'":[' + b",".join([b'"\\\\u0000"'] * 20_000) + b"]}",
    ],
    ids=["deep with many digits", "deep", "long names"],
)
@pytest.mark.parametrize("kind", ["", "-batch"])
def test_hostile_bodies_are_refused(site: Site, raw: bytes, kind: str) -> None:
    headers = {**site.headers(), "content-type": f"application/cloudevents{kind}+json"}

    answer = site.client.post("/v1/events", content=raw, headers=headers)

    assert answer.status_code in {413, 422}
    assert answer.json()["remedy"]


def test_a_name_that_stands_twice_in_an_event_of_a_batch_refuses_it(site: Site) -> None:
    event = b'{"specversion":"1.0","id":"a","id":"b","source":"s","type":"t","subject":"k","foliotmachine":"incident"}'
    headers = {**site.headers(), "content-type": "application/cloudevents-batch+json"}

    answer = site.client.post("/v1/events", content=b"[" + event + b"]", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "attribute_repeated")


def test_a_caller_that_leaves_does_not_stop_the_collector(site: Site) -> None:
    caller = site.doors.caller(site.key())

    async def leave() -> None:
        site.doors.collector.submit(caller, []).cancel()

    asyncio.run(leave())

    answer = site.send()

    assert answer.status_code == 202
    assert site.doors.collector.works


def test_intake_from_topics_hears_whether_a_front_door_brings_events_for_its_shards(site: Site) -> None:
    site.send("INC-1")
    with closing(connect(site.database.service, application="test")) as connection:
        # It stays a moment ago, however long the rest takes.
        connection.execute("UPDATE heads SET front_at = front_at + interval '1 hour'")
        connection.commit()
        catalog = load_catalog(connection)
        machine = find_machine(catalog, 1, "incident")
        events = [
            CloudEvent("t", "s", "reported", f"INC-{n}", "incident", None, None, None, None) for n in range(1, 20)
        ]
        arrivals = [admit(event, machine, 2, catalog=catalog, key_bytes_max=512, record=None) for event in events]
        beside, *others = arrivals
        shard = claim_of(beside, catalog).shard
        apart = [arrival for arrival in others if claim_of(arrival, catalog).shard != shard]

        heard = [take_in(connection, catalog, batch, [], [], writer="test").beside_front for batch in ([beside], apart)]
        connection.execute("UPDATE heads SET front_at = front_at - interval '1 hour 2 seconds'")
        connection.commit()
        later = take_in(connection, catalog, [beside._replace(event_id="later")], [], [], writer="test")

    assert heard == [True, False]
    assert not later.beside_front


def test_waiting_tells_what_became_of_the_event(site: Site) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            site.step()
            stop.wait(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        applied = site.send("INC-1", query="?wait=20")
        refused = site.send("INC-2", query="?wait=20", data={"severity": "much"})
    finally:
        stop.set()
        worker.join()

    assert (applied.status_code, applied.json()["state"]) == (200, "applied")
    assert (refused.status_code, refused.json()["state"]) == (200, "dead_letter")
    assert refused.json()["dead_letter"] > 0


def test_events_of_many_requests_at_once_are_each_taken_once(site: Site) -> None:
    answers: list[int] = []

    def send(number: int) -> None:
        answers.extend(site.send(f"INC-{number % 7}", id=f"e{number % 40}").status_code for _ in range(2))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    site.step()

    steps = [site.get(f"/v1/instances/incident/INC-{key}").json()["position"] - 1 for key in range(7)]
    assert set(answers) == {202}
    assert sum(steps) == 16
