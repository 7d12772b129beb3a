"""Steps as streams: told to those who may see them, from where they left off, and no more of them than is good."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from addresses import WORK
from integration.api.conftest import serving
from integration.api.streams import Stream, journal, watch

from foliot.api import doors, streaming
from foliot.history import Followed, Follower, InstancePlace, Part, VectorPlace
from foliot.runtime import NoWake
from foliot.store import StoreUnavailable

if TYPE_CHECKING:
    from conftest import Site

INSTANCE = "/v1/instances/incident/INC-1/watch"
NO_IDS = (
    (INSTANCE, "x"),
    (INSTANCE, "1.2"),
    (INSTANCE, "1.-1.5"),
    (INSTANCE, "1.9999.0"),
    (INSTANCE, "1.0.0' OR 1=1"),
    (INSTANCE, VectorPlace(1, Part(0, 1), [0] * 64).text()),
    ("/v1/watch", "x"),
    ("/v1/watch", "1.2.3"),
    ("/v1/watch", "A" * 4000),
    ("/v1/watch", VectorPlace(1, Part(0, 1), [0] * 63).text()),
    ("/v1/watch", VectorPlace(1, Part(0, 2), [0] * 32).text()),
    ("/v1/watch", VectorPlace(1, Part(0, 1), [2**62] * 64).text()),
)
NO_STREAMS = (
    ("filter=step.", "filter_refused", "filter:1:6"),
    ("filter=steps.key", "filter_refused", "filter:1:1"),
    ("filter=1", "filter_refused", "filter"),
    (f"filter={'(' * 2000}", "filter_refused", "filter"),
    (f"filter={'x' * 5000}", "request_invalid", "query.filter"),
    ("part=2/2", "request_invalid", "part"),
    ("part=0/0", "request_invalid", "part"),
    ("part=x", "request_invalid", "query.part"),
    ("seconds=-1", "request_invalid", "query.seconds"),
)
FILTERS = (
    ("step.key == 'INC-2'", ["INC-2", "INC-2"]),
    ("'open.waiting' in step.states", ["INC-1", "INC-2", "INC-3"]),
    ("step.data.severity <= 2", ["INC-1", "INC-2"]),
    ("step.kind == 'start' || step.shard < 0 || step.n < 0", ["INC-1", "INC-2", "INC-3"]),
)
"""What is wanted, and the keys whose steps are then told."""


def wait_until(holds: Any, *, timeout_s: float = 60) -> None:
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.02)


def place_now(site: Site, path: str, *, tenant: str = "default") -> str:
    """Give the id of now."""
    with watch(site, path, tenant=tenant) as stream:
        return next(stream.told()).id


# What is told.


def test_a_watcher_is_told_the_present_state_then_each_step(site: Site) -> None:
    site.send("INC-1")
    site.step()

    with watch(site, INSTANCE) as stream:
        present = next(stream.told())
        site.send("INC-1", id="2")
        site.send("INC-2")
        site.step()
        [told] = stream.steps(1)

    assert (present.event, present.data["position"]) == ("instance", 2)
    assert told.data == site.get("/v1/instances/incident/INC-1/history").json()["items"][0]
    assert stream.head["content-type"].startswith("text/event-stream")
    assert stream.head["cache-control"] == "no-store"


def test_from_the_start_every_step_of_the_life_is_told(site: Site) -> None:
    for number in range(30):
        site.send("INC-1", id=f"{number}")
        site.send(f"INC-{number + 2}")
    site.step()

    with watch(site, f"{INSTANCE}?from=start&seconds=0") as stream:
        told = [each for each in stream.told() if each.event]

    shown = site.get("/v1/instances/incident/INC-1/history").json()["items"]
    assert [each.data for each in told] == shown[::-1]
    assert len(told) == 31


def test_a_key_can_be_watched_before_anything_lives_there(site: Site) -> None:
    with watch(site, INSTANCE) as stream:
        nothing = next(stream.told())
        site.send("INC-1")
        site.step()
        born, stepped = stream.steps(2)

    assert nothing.event == ""
    assert nothing.id
    assert (born.data["kind"], born.data["position"]) == ("start", 1)
    assert (stepped.data["kind"], stepped.data["type"]) == ("event", "reported")


def test_all_steps_of_a_tenant_come_with_whose_they_are_and_where_they_led(site: Site) -> None:
    with watch(site, "/v1/watch?machine=incident") as stream:
        next(stream.told())
        site.send("INC-1")
        site.send("INC-2")
        site.step()
        told = stream.steps(4)

    whose = {(each.data["machine"], each.data["key"], each.data["kind"], tuple(each.data["states"])) for each in told}
    assert whose == {
        ("incident", key, kind, states)
        for key in ("INC-1", "INC-2")
        for kind, states in (("start", ("new",)), ("event", ("open", "open.waiting")))
    }


def test_a_filter_lets_through_what_it_is_true_for(site: Site) -> None:
    place = place_now(site, "/v1/watch")
    for severity in (1, 2, 3):
        site.send(f"INC-{severity}", data={"severity": severity})
    site.step()

    told = []
    for wanted, _ in FILTERS:
        with watch(site, f"/v1/watch?seconds=0&filter={quote(wanted)}", last_id=place) as stream:
            told.append(sorted(each.data["key"] for each in stream.told() if each.event == "step"))

    assert told == [keys for _, keys in FILTERS]


def test_a_filter_that_costs_too_much_ends_the_stream_after_what_came_before(site: Site) -> None:
    place = place_now(site, "/v1/watch")
    site.send("INC-1")
    site.send("INC-1", id="2", type="noted", data={"list": [1] * 1000})
    site.step()
    costly = "!has(step.data.list)||step.data.list.all(a,step.data.list.all(b,a==b))"

    with watch(site, f"/v1/watch?filter={costly}", last_id=place) as stream:
        told = [each for each in stream.told() if each.event]

    assert [each.event for each in told] == ["step", "problem"]
    assert told[-1].data["code"] == "filter_too_costly"


@pytest.mark.parametrize("site", [{"api_heartbeat_s": 0.1}], indirect=True)
def test_a_silent_stream_gives_signs_of_life_that_carry_the_place(site: Site) -> None:
    with watch(site, "/v1/watch?filter=false") as stream:
        telling = stream.told()
        first = next(telling)
        site.send("INC-1")
        site.step()
        # Signs of before the step may still be on their way.
        later = [next(telling)]
        while VectorPlace.of(later[-1].id).ns == VectorPlace.of(first.id).ns:
            later.append(next(telling))

    assert {each.event for each in later} == {""}


def test_streams_are_described(site: Site) -> None:
    paths = site.get("/openapi.json").json()["paths"]

    described = [operations["get"] for path, operations in paths.items() if path.endswith("/watch")]
    assert len(described) == 2
    for operation in described:
        assert list(operation["responses"]["200"]["content"]) == ["text/event-stream"]
        assert {"400", "401", "403", "404", "410", "422", "429"} <= operation["responses"].keys()
        assert {"last-event-id", "seconds"} <= {parameter["name"] for parameter in operation["parameters"]}


# Who may see what, and from where.


def test_a_watcher_sees_nothing_of_another_tenant(site: Site) -> None:
    everything, one = (place_now(site, path, tenant="other") for path in ("/v1/watch", INSTANCE))
    site.send("INC-1", tenant="default")
    site.step()
    site.send("INC-1", tenant="other")
    site.step()

    seen = []
    for path, place in (("/v1/watch?seconds=0", everything), (f"{INSTANCE}?seconds=0", one)):
        with watch(site, path, tenant="other", last_id=place) as stream:
            seen.append([each.data["n"] for each in stream.told() if each.event])

    mine = [row["n"] for row in journal(site) if row["tenant"] == 2]
    assert seen == [mine, mine]
    assert len(mine) == 2


def test_what_is_no_id_of_the_stream_is_refused(site: Site) -> None:
    answers = [site.get(path, **{"last-event-id": last_id}) for path, last_id in NO_IDS]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(400, "place_invalid")}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


def test_an_id_that_lies_beyond_the_journal_is_refused(site: Site) -> None:
    place = InstancePlace.of(place_now(site, INSTANCE))

    answer = site.get(INSTANCE, **{"last-event-id": InstancePlace(place.epoch, place.shard, place.n + 1).text()})

    assert (answer.status_code, answer.json()["code"]) == (400, "place_invalid")


@pytest.mark.parametrize("path", [INSTANCE, "/v1/watch"])
def test_an_id_of_another_map_of_shards_is_gone_and_an_open_stream_ends(site: Site, path: str) -> None:
    place = place_now(site, path)

    with watch(site, path) as stream:
        telling = stream.told()
        next(telling)
        with psycopg.connect(site.database.owner) as connection:
            connection.execute("UPDATE installation SET map_epoch = map_epoch + 1")
        site.send("INC-1")
        site.step()
        last = list(telling)[-1]
    answer = site.get(path, **{"last-event-id": place})

    assert (last.event, last.data["code"], last.data["status"]) == ("problem", "place_gone", 410)
    assert (answer.status_code, answer.json()["code"]) == (410, "place_gone")
    assert "watch from now" in answer.json()["remedy"]


@pytest.mark.parametrize("path", [INSTANCE, "/v1/watch"])
def test_what_the_journal_no_longer_has_is_gone(site: Site, path: str) -> None:
    place = place_now(site, path)
    for number in range(3):
        site.send("INC-1", id=f"{number}")
    site.step()
    kept = place_now(site, path)
    with psycopg.connect(site.database.owner) as connection:
        connection.execute("DELETE FROM journal WHERE n <= 2")

    gone = site.get(path, **{"last-event-id": place})
    from_start = site.get(f"{INSTANCE}?from=start")

    assert (gone.status_code, gone.json()["code"]) == (410, "place_gone")
    assert from_start.status_code == 410
    assert site.get(f"{path}?seconds=0", **{"last-event-id": kept}).status_code == 200


def test_a_stream_whose_rows_go_before_it_has_read_them_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    read = Follower.read

    def late(self: Follower, *arguments: Any) -> tuple[Followed, ...]:
        go_on.wait(60)
        return read(self, *arguments)

    monkeypatch.setattr(Follower, "read", late)
    with watch(site, INSTANCE) as stream:
        telling = stream.told()
        next(telling)
        site.send("INC-1")
        site.step()
        with psycopg.connect(site.database.owner) as connection:
            connection.execute("DELETE FROM journal")
        go_on.set()
        last = list(telling)[-1]

    assert (last.event, last.data["code"]) == ("problem", "place_gone")


@pytest.mark.parametrize("site", [{"api_heartbeat_s": 0.1}], indirect=True)
def test_a_stream_ends_soon_after_its_key_was_revoked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "CALLER_S_MAX", 0.0)
    monkeypatch.setattr(streaming, "_CHECK_S", 0.0)
    with watch(site, "/v1/watch") as stream:
        telling = stream.told()
        next(telling)
        with psycopg.connect(site.database.owner) as connection:
            connection.execute("UPDATE api_keys SET revoked_at = clock_timestamp()")
        last = list(telling)[-1]

    assert (last.event, last.data["code"]) == ("problem", "unauthenticated")


def test_a_stream_that_cannot_be_is_refused_before_it_begins(site: Site) -> None:
    answers = [site.get(f"/v1/watch?{query}") for query, _, _ in NO_STREAMS]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (422, code) for _, code, _ in NO_STREAMS
    ]
    assert all(
        answer.json()["where"].startswith(where) for answer, (_, _, where) in zip(answers, NO_STREAMS, strict=True)
    )


def test_parts_of_the_shards_make_up_the_whole(site: Site) -> None:
    places = [place_now(site, f"/v1/watch?part={part}/3") for part in range(3)]
    for number in range(20):
        site.send(f"INC-{number}")
    site.step()

    told = []
    for part, place in enumerate(places):
        with watch(site, f"/v1/watch?part={part}/3&seconds=0", last_id=place) as stream:
            told += [(each.data["shard"], each.data["n"]) for each in stream.told() if each.event]

    assert sorted(told) == [(row["shard"], row["n"]) for row in journal(site)]


# No more than is good.


@pytest.mark.parametrize("site", [{"api_watchers_max": 3, "api_watchers_per_key_max": 2}], indirect=True)
def test_streams_are_bounded_by_key_and_in_all_and_their_seats_are_given_back(site: Site) -> None:
    with ExitStack() as stack:
        for tenant in ("default", "default", "other"):
            next(stack.enter_context(watch(site, "/v1/watch", tenant=tenant)).told())
        by_key = site.get("/v1/watch", tenant="default")
        in_all = site.get("/v1/watch", tenant="other")
    wait_until(lambda: site.doors.watchers.taken == 0)
    again = site.get("/v1/watch?seconds=0")

    assert [answer.status_code for answer in (by_key, in_all, again)] == [429, 429, 200]
    assert by_key.json()["code"] == "too_many_requests"
    assert by_key.headers["retry-after"]
    assert ("PER_KEY" in by_key.json()["remedy"], "PER_KEY" in in_all.json()["remedy"]) == (True, False)


@pytest.mark.parametrize("site", [{"api_waiters_per_key_max": 1}], indirect=True)
def test_requests_that_wait_are_bounded_and_those_beyond_take_nothing_in(site: Site) -> None:
    waiting = threading.Thread(target=lambda: site.send("INC-1", query="?wait=30"))
    waiting.start()
    with psycopg.connect(site.database.owner, autocommit=True) as connection:
        wait_until(lambda: connection.execute(WORK).fetchall())

    refused = site.send("INC-2", query="?wait=30")
    site.step()
    waiting.join()

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert {row["key"] for row in journal(site)} == {"INC-1"}
    assert site.doors.waiters.taken == 0


def test_watchers_that_wait_hold_neither_a_thread_nor_a_connection(site: Site) -> None:
    with ExitStack() as stack:
        for number in range(40):
            next(stack.enter_context(watch(site, f"/v1/instances/incident/INC-{number}/watch")).told())
        before = threading.active_count()
        for number in range(40, 48):
            next(stack.enter_context(watch(site, f"/v1/instances/incident/INC-{number}/watch")).told())
        with psycopg.connect(site.database.owner) as connection:
            rows = connection.execute(
                "SELECT application_name, state FROM pg_stat_activity WHERE application_name = 'foliot-api following'"
            ).fetchall()

        # A watcher may begin before the thread that served the one before it is free again, but not eight times.
        assert threading.active_count() < before + 8
        assert len(rows) == 1
    wait_until(lambda: site.doors.watchers.taken == 0)


def test_a_reader_that_does_not_read_has_little_read_for_it_and_can_leave(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Follower.read
    read_bytes = 0

    def counted(self: Follower, *arguments: Any) -> tuple[Followed, ...]:
        nonlocal read_bytes
        steps = read(self, *arguments)
        read_bytes += sum(len(str(step.entry.data)) for step in steps)
        return steps

    site.send("INC-1")
    for number in range(200):
        site.send("INC-1", id=f"{number}", type="noted", data={"text": "x" * 100_000})
    site.step()
    monkeypatch.setattr(Follower, "read", counted)
    with watch(site, f"{INSTANCE}?from=start") as stream:
        wait_until(lambda: read_bytes > 0)
        time.sleep(1)
        unread = read_bytes
        told = stream.steps(202)
    with watch(site, f"{INSTANCE}?from=start"):
        time.sleep(0.5)
    wait_until(lambda: site.doors.watchers.taken == 0)

    assert unread < 10_000_000
    assert [each.data["position"] for each in told] == list(range(1, 203))


def test_open_streams_end_when_the_server_stops(site: Site) -> None:
    with ExitStack() as stack:
        # A stream that did not end would have the time to finish, and that is longer than its reader waits.
        patient = site.settings.model_copy(update={"grace_s": 600.0})
        with serving(doors.Doors(patient, NoWake())) as client:
            stream = stack.enter_context(Stream(client.base_url, "/v1/watch", site.headers()))
            telling = stream.told()
            next(telling)
        rest = list(telling)

    assert rest == []


def test_streams_go_on_after_the_database_has_ended_all_connections(site: Site) -> None:
    with watch(site, INSTANCE) as stream:
        telling = stream.told()
        next(telling)
        with psycopg.connect(site.database.owner) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'foliot-api%'"
            )
        site.send("INC-1")
        site.step()
        told = stream.steps(2)

    assert [each.data["position"] for each in told] == [1, 2]


def test_a_reading_that_fails_at_its_very_end_is_repeated(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_AGAIN_S", 0.0)
    failures = iter([StoreUnavailable("broken")])
    read = Follower.read

    def failing(self: Follower, *arguments: Any) -> tuple[Followed, ...]:
        steps = read(self, *arguments)
        for failure in failures:
            raise failure
        return steps

    monkeypatch.setattr(Follower, "read", failing)
    with watch(site, INSTANCE) as stream:
        next(stream.told())
        site.send("INC-1")
        site.step()
        told = stream.steps(2)

    assert [each.data["position"] for each in told] == [1, 2]
    assert next(failures, None) is None


def test_the_progress_of_shards_says_nothing_of_whose_it_is(site: Site) -> None:
    site.send("INC-1")
    site.step()

    with psycopg.connect(site.database.front) as connection:
        cursor = connection.execute("SELECT * FROM front_progress('{0,1,2,3,99}')")
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()

    assert names == ["epoch", "shard", "n", "numbers"]
    assert sorted(row[1] for row in rows) == [0, 1, 2, 3]
