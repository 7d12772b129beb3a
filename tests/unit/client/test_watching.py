"""A watch over real sockets that are cut off anywhere: every step is seen, and none twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeAlias

import orjson
import pytest
from driven import Driven
from faults.front import StepStream

from foliot.client import AnswerUnreadable, Client, Instance, KeyNotAccepted, NoAnswer, Patience, PlaceGone, Step
from foliot.client.calls import Answer
from foliot.client.following import Following

Connect: TypeAlias = Callable[..., Any]
COUNT = 60
QUICK = Patience(total_s=10, pause_s_first=0.001, pause_s_max=0.005)


@pytest.fixture(params=[Client, Driven], ids=["blocking", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make clients, of one kind and of the other."""
    made = []

    def make(address: str, **options: Any) -> Any:
        made.append(request.param(address, **{"patience": QUICK, **options}))
        return made[-1].__enter__()

    yield make
    for client in made:
        client.__exit__(None, None, None)


def a_step(number: int) -> bytes:
    return orjson.dumps(
        {
            "n": number,
            "position": number,
            "kind": "event",
            "outcome": "taken",
            "version": 1,
            "lane": "normal",
            "event_id": f"e{number}",
            "type": "moved",
            "source": "test",
            "time": None,
            "data": {"text": "lines\u2028and\u0085more", "number": number},
            "timer": None,
            "transitions": [1],
            "state_hash": "00",
            "detail": None,
            "at": "2026-01-31T12:00:00Z",
            "added_by_a_newer_api": True,
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_watch_that_is_cut_off_a_hundred_times_sees_every_step_once(connect: Connect, seed: int) -> None:
    chance = random.Random(seed)
    lengths: list[int | None] = [chance.randrange(1200) for _ in range(100)]
    steps = [a_step(number) for number in range(1, COUNT + 1)]
    with StepStream(steps, lengths) as server:
        watch = connect(server.address).watch("order", "1")

        seen = list(islice(watch, COUNT))

    assert [each.what.n for each in seen] == list(range(1, COUNT + 1))
    assert [each.place for each in seen] == [str(number) for number in range(1, COUNT + 1)]
    assert seen[0].what.data["text"] == "lines\u2028and\u0085more"
    assert len(server.asked_after) > 20


def test_a_watch_goes_on_after_a_place_that_another_process_has_kept(connect: Connect) -> None:
    with StepStream([a_step(number) for number in range(1, 11)], []) as server:
        watch = connect(server.address).watch_all(machine="order", filter="step.type == 'moved'", after="7")

        seen = list(islice(watch, 3))

    assert [each.what.n for each in seen] == [8, 9, 10]
    assert server.asked_after == ["7"]


def test_a_watch_outlives_a_server_that_is_down_for_a_while(connect: Connect) -> None:
    with StepStream([a_step(1)], [], refusals=4) as server:
        seen = next(connect(server.address).watch("order", "1"))

    assert seen.what.n == 1
    assert len(server.asked_after) == 5


def test_a_watch_that_nobody_answers_ends_with_an_error(connect: Connect) -> None:
    watch = connect("http://127.0.0.1:9", patience=Patience(total_s=0.2, pause_s_first=0.01)).watch("order", "1")

    with pytest.raises(NoAnswer):
        next(watch)


def test_silence_ends_a_connection_and_not_the_watch(connect: Connect) -> None:
    steps: list[bytes] = []
    with StepStream(steps, []) as server:

        def step_after_silence() -> None:
            while len(server.asked_after) < 2:
                time.sleep(0.01)
            steps.append(a_step(1))

        watch = connect(server.address, silence_s_max=0.1).watch("order", "1")
        later = threading.Thread(target=step_after_silence)
        later.start()

        seen = next(watch)
        later.join()

    assert seen.what.n == 1
    assert len(server.asked_after) >= 3


def test_a_message_that_cannot_be_read_is_an_error_and_what_is_unknown_is_passed_over() -> None:
    following = Following("/v1/watch", {}, "", QUICK)

    unknown = following.take("weather", "1", "{}")

    assert unknown is None
    with pytest.raises(AnswerUnreadable):
        following.take("step", "2", "{}")


def test_a_sign_of_life_moves_the_place_on() -> None:
    following = Following("/v1/watch", {}, "", QUICK)

    seen = following.take("", "1.17.4733", "")

    assert seen is None
    assert following.headers["last-event-id"] == "1.17.4733"


def test_a_problem_in_a_stream_ends_the_watch_unless_it_may_pass() -> None:
    following = Following("/v1/watch", {}, "1.1", QUICK)

    passing = following.take("problem", "1.1", '{"status":503,"code":"store_unavailable"}')

    assert passing is None
    with pytest.raises(KeyNotAccepted):
        following.take("problem", "1.1", '{"status":401,"code":"unauthenticated"}')
    with pytest.raises(AnswerUnreadable):
        following.take("problem", "1.1", "{}")


def test_the_same_place_twice_is_one_step() -> None:
    following = Following("/v1/watch", {}, "", QUICK)

    first = following.take("step", "1", a_step(1).decode())
    again = following.take("step", "1", a_step(1).decode())

    assert first is not None
    assert isinstance(first.what, Step)
    assert again is None
    assert following.headers["last-event-id"] == "1"


def test_the_instance_as_it_is_comes_first() -> None:
    present = orjson.dumps(
        {
            **dict.fromkeys(("tenant", "machine", "key", "mode", "channel"), "a"),
            **dict.fromkeys(("id", "shard", "n", "version", "wants", "position", "held"), 1),
            **dict.fromkeys(("born_at", "stepped_at"), "2026-01-31T12:00:00Z"),
            "note": None,
            "configuration": ["dark"],
            "context": {},
            "timers": [],
            "done": False,
        }
    )
    following = Following("/v1/watch", {}, "", QUICK)

    seen = following.take("instance", "1.4711", present.decode())

    assert seen is not None
    assert isinstance(seen.what, Instance)


def test_a_place_that_the_journal_no_longer_has_ends_the_watch() -> None:
    following = Following("/v1/watch", {}, "1.1", QUICK)
    gone = Answer(410, {"content-type": "application/problem+json"}, b'{"status":410,"code":"watch_too_old"}')

    with pytest.raises(PlaceGone):
        following.refused(gone)


def test_a_connection_that_held_for_long_may_be_lost_as_often_as_it_takes() -> None:
    now = [0.0]
    following = Following("/v1/watch", {}, "", Patience(total_s=10), lambda: now[0])

    for _ in range(5):
        following.opened()
        now[0] += 3600
        following.lost("cut")
    now[0] += 10

    with pytest.raises(NoAnswer):
        following.lost("cut")
