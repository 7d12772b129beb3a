"""The Python client against the API, through every fault that a network, a busy server or a proxy can bring."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
import pytest
from driven import Driven
from faults.front import FAULTS, Fault, FaultyFront

from foliot.client import (
    Accepted,
    AnotherWasFirst,
    Client,
    Event,
    KeyNotAccepted,
    MovedMeanwhile,
    NoAnswer,
    NotAllowed,
    NotThere,
    Patience,
    Problem,
    RequestRefused,
    TooBusy,
)

if TYPE_CHECKING:
    from conftest import Site

Connect: TypeAlias = Callable[..., Any]
QUICK = Patience(total_s=20, try_s=5, pause_s_first=0.01, pause_s_max=0.05)


@pytest.fixture(params=[Client, Driven], ids=["blocking", "asyncio"])
def connect(request: pytest.FixtureRequest, site: Site) -> Iterator[Connect]:
    """Make clients of the API, of one kind and of the other."""
    made = []

    def make(address: str = "", **options: Any) -> Any:
        given = {"key": site.key(), "patience": QUICK, **options}
        made.append(request.param(address or str(site.client.base_url), **given))
        return made[-1].__enter__()

    yield make
    for client in made:
        client.__exit__(None, None, None)


def an_event(key: str = "INC-1", **attributes: Any) -> Event:
    return Event(machine="incident", key=key, **{"type": "reported", "data": {"severity": 3}, **attributes})


def inbox(site: Site) -> list[tuple[str, str]]:
    with closing(psycopg.connect(site.database.service)) as connection:
        return connection.execute("SELECT key, event_id FROM inbox ORDER BY shard, queue, number").fetchall()


@pytest.mark.parametrize("fault", FAULTS)
def test_exactly_one_event_is_there_whatever_happens_to_the_first_try(
    site: Site, connect: Connect, fault: Fault
) -> None:
    event = an_event()
    with FaultyFront(str(site.client.base_url), fault) as front:
        # The answer that is slow comes after another try, whenever that is made.
        try_s = 1 if fault == "slow" else 30
        patience = Patience(total_s=60, try_s=try_s, pause_s_first=0.01, pause_s_max=0.05)
        accepted = connect(front.address, patience=patience).send(event)
        site.step()

    assert accepted.id == event.id
    assert inbox(site) == [("INC-1", event.id)]
    # On a busy machine a second within one try may be too short for any answer.
    assert len(front.requests) == 2 or (fault == "slow" and len(front.requests) > 2)
    assert len(set(front.requests)) == 1
    assert site.get("/v1/instances/incident/INC-1").json()["context"]["seen"] == 1


def test_a_batch_is_taken_in_once_through_all_faults_in_turn(site: Site, connect: Connect) -> None:
    events = [an_event(f"INC-{number}") for number in range(1200)]
    with FaultyFront(str(site.client.base_url), *FAULTS, *FAULTS) as front:
        patience = Patience(total_s=120, try_s=3, pause_s_first=0.01, pause_s_max=0.05)
        results = connect(front.address, patience=patience).send_many(events)

    assert [result.id for result in results] == [event.id for event in events]
    assert sorted(inbox(site)) == sorted((event.key, event.id) for event in events)


def test_who_never_answers_is_given_up_within_the_time_limit(connect: Connect) -> None:
    with FaultyFront("http://127.0.0.1:9", *repeat("cut before", 1000)) as front:
        client = connect(front.address, patience=Patience(total_s=1, pause_s_first=0.01, pause_s_max=0.05))

        with pytest.raises(NoAnswer) as caught:
            client.send(an_event())

    assert front.faults, "it went on until nothing was left to go wrong"
    assert (caught.value.status, caught.value.retryable) == (None, True)
    assert caught.value.refusal.where == "POST /v1/events"
    assert len({body for _, body in front.requests}) == 1


def test_a_server_that_stays_busy_is_told_as_that(connect: Connect) -> None:
    with FaultyFront("http://127.0.0.1:9", *repeat("busy", 100), busy_s=60) as front:
        client = connect(front.address, patience=Patience(total_s=30, pause_s_first=0.01))

        with pytest.raises(TooBusy):
            client.send(an_event())

    # It would have to come again before it is wanted.
    assert len(front.requests) == 1


def test_where_nobody_listens_the_error_says_so(connect: Connect) -> None:
    client = connect("http://127.0.0.1:9", patience=Patience(total_s=0.3))

    with pytest.raises(NoAnswer, match="ConnectError"):
        client.machines()


def test_an_id_with_another_content_is_told_beside_those_that_were_taken(site: Site, connect: Connect) -> None:
    client = connect()
    event = an_event()
    client.send(event)
    other = an_event(id=event.id, data={"severity": 1})

    results = client.send_many([an_event("INC-2"), other])

    assert isinstance(results[0], Accepted)
    assert isinstance(results[1], Problem)
    assert (results[1].code, results[1].index) == ("id_reused", 1)
    with pytest.raises(AnotherWasFirst):
        client.send(other)
    assert len(inbox(site)) == 2


def test_a_refused_batch_says_which_event_and_what_was_taken_before(site: Site, connect: Connect) -> None:
    events = [an_event(f"INC-{number}") for number in range(1003)]
    events[1001] = Event(machine="nobody", key="1", type="reported")

    with pytest.raises(RequestRefused) as caught:
        connect().send_many(events)

    assert (caught.value.refusal.code, caught.value.index) == ("unknown_machine", 1001)
    assert [each.id for each in caught.value.taken if isinstance(each, Accepted)] == [e.id for e in events[:1000]]
    assert len(inbox(site)) == 1000


def test_an_instance_that_has_not_changed_is_not_sent_again(site: Site, connect: Connect) -> None:
    connect().send(an_event())
    site.step()
    with FaultyFront(str(site.client.base_url)) as front:
        client = connect(front.address)
        first = client.instance("incident", "INC-1")
        first.context["seen"] = "spoilt by its reader"

        again = client.instance("incident", "INC-1")
        site.send(id="another")
        site.step()
        changed = client.instance("incident", "INC-1")
        statuses = front.statuses

    assert (first.context["seen"], again.context["seen"]) == ("spoilt by its reader", 1)
    assert again.n == first.n < changed.n
    assert statuses == [200, 304, 200]


def test_a_read_after_a_position_waits_for_it_over_many_tries(site: Site, connect: Connect) -> None:
    with FaultyFront(str(site.client.base_url)) as front:
        client = connect(front.address, patience=Patience(total_s=120, try_s=30, pause_s_first=0.05))
        once = connect(patience=Patience(total_s=0, try_s=30))
        position = client.send(an_event()).position

        def step_after_two_tries() -> None:
            while front.statuses.count(503) < 2:
                time.sleep(0.01)
            site.step()

        with pytest.raises(NoAnswer, match="not_yet_applied"):
            once.instance("incident", "INC-1", after=position, wait=0.1)
        stepping = threading.Thread(target=step_after_two_tries)
        stepping.start()
        there = client.instance("incident", "INC-1", after=position, wait=0.1)
        stepping.join()

    assert there.context["seen"] == 1


def test_lists_come_whole_over_their_pages(site: Site, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foliot.client.calls.PAGE", 2)
    client = connect()
    client.send_many([an_event(f"INC-{number}") for number in range(5)])
    client.send_many([an_event("INC-0") for _ in range(4)])
    site.step()

    keys = sorted(each.key for each in client.instances("incident"))
    steps = list(client.history("incident", "INC-0"))

    assert keys == [f"INC-{number}" for number in range(5)]
    assert [step.position for step in steps] == sorted((step.position for step in steps), reverse=True)
    assert len(steps) == 6
    assert list(client.dead_letters()) == []


def test_a_machine_is_published_and_its_channel_moved_once(site: Site, connect: Connect) -> None:
    text = "foliot: 1\nid: lamp\ninitial: dark\nstates: {dark: {on: {switched: bright}}, bright: {}}\n"
    with FaultyFront(str(site.client.base_url), "cut after", "down", "half") as front:
        client = connect(front.address)
        published = client.publish(text)
        changed = client.publish(text.replace("bright: {}", "bright: {on: {switched: dark}}"))
        revision = client.machine("lamp").channels[0].revision
        moved = client.move_channel("lamp", "stable", 2, if_match=revision)
        made = client.move_channel("lamp", "canary", 1, if_match=0)

        with pytest.raises(MovedMeanwhile):
            client.move_channel("lamp", "stable", 1, if_match=revision)

    assert (published.version, changed.version) == (1, 2)
    assert (moved.version, made.version) == (2, 1)
    assert [machine.name for machine in client.machines()] == ["incident", "lamp"]
    assert [version.version for version in client.machine("lamp").versions] == [1, 2]


def test_a_definition_with_faults_is_refused_with_all_of_them(connect: Connect) -> None:
    with pytest.raises(RequestRefused) as caught:
        connect().publish("id: lamp\ninitial: nowhere\nstates: {dark: {}}\n")

    assert caught.value.refusal.code == "definition_refused"
    assert caught.value.diagnostics


def test_keys_that_open_nothing_or_too_little_are_told_apart(site: Site, connect: Connect) -> None:
    with pytest.raises(KeyNotAccepted):
        connect(key="foliot_nothing").machines()
    with pytest.raises(NotAllowed):
        connect(key=site.key("default", "read")).send(an_event())
    with pytest.raises(NotThere) as caught:
        connect(key=site.key("other")).instance("incident", "INC-1")

    assert caught.value.refusal.code == "unknown_instance"
