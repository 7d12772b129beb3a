"""When a call is tried again: decided without a network and without waiting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.client import Accepted, AnswerUnreadable, ApiError, Event, NoAnswer, NotThere, Patience, TooBusy
from foliot.client.calls import Answer, Call, send
from foliot.client.trying import ANSWER_BYTES_MAX, Backoff, Done, Gathering, Lost, Pause, Trial, retry_after_s
from foliot.cloudevents import Limits

ACCEPTED = b'{"id":"e1","duplicate":false,"position":"1.2.3.4","state":"accepted"}'
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_call(wait_s: float = 0.0) -> Call[Accepted]:
    return send(Event(machine="order", key="1", type="placed", id="e1"), Limits(), wait_s)


def refused(status: int, **headers: str) -> Answer:
    body = b'{"status":%d,"code":"some_code","detail":"so","where":"there","remedy":"do this"}' % status
    given = {"content-type": "application/problem+json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return Answer(status, given, body)


def test_an_answer_ends_the_call() -> None:
    trial = Trial(a_call(), Patience())

    outcome = trial.judge(Answer(202, {"content-type": "application/json"}, ACCEPTED))

    assert outcome == Done(Accepted(id="e1", duplicate=False, position="1.2.3.4", state="accepted"))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_until_the_time_is_over(status: int) -> None:
    clock = Clock()
    trial = Trial(a_call(), Patience(total_s=10), clock)

    first = trial.judge(refused(status))
    clock.now += 10

    assert isinstance(first, Pause)
    with pytest.raises((NoAnswer, TooBusy)) as caught:
        trial.judge(refused(status))
    assert caught.value.retryable
    assert caught.value.status == status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 428, 431])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    trial = Trial(a_call(), Patience())

    with pytest.raises(ApiError) as caught:
        trial.judge(refused(status))

    assert not caught.value.retryable
    refusal = caught.value.refusal
    assert (refusal.code, refusal.what, refusal.where, refusal.remedy) == ("some_code", "so", "there", "do this")


def test_a_proxys_page_is_told_by_its_status() -> None:
    trial = Trial(a_call(), Patience())

    with pytest.raises(NotThere, match="no problem document: '<html>'"):
        trial.judge(Answer(404, {}, b"<html>"))


def test_a_redirect_is_not_followed_with_the_key() -> None:
    trial = Trial(a_call(), Patience())

    with pytest.raises(AnswerUnreadable, match="status 307"):
        trial.judge(Answer(307, {"location": "http://elsewhere"}, b""))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id":1}', b"\xff"])
def test_an_answer_that_cannot_be_read_is_tried_again_and_then_told(body: bytes) -> None:
    clock = Clock()
    trial = Trial(a_call(), Patience(total_s=10), clock)
    garbage = Answer(202, {"content-type": "application/json"}, body)

    first = trial.judge(garbage)
    clock.now += 10

    assert isinstance(first, Pause)
    with pytest.raises(AnswerUnreadable):
        trial.judge(garbage)


def test_a_server_that_wants_to_be_left_alone_is_left_alone() -> None:
    trial = Trial(a_call(), Patience())

    pause = trial.judge(refused(503, retry_after="3"))

    assert isinstance(pause, Pause)
    assert 3.0 <= pause.seconds <= 3.0 + Patience().pause_s_first


def test_a_server_that_wants_more_time_than_there_is_ends_the_call_at_once() -> None:
    trial = Trial(a_call(), Patience(total_s=10))

    with pytest.raises(TooBusy):
        trial.judge(refused(429, retry_after="60"))


def test_without_time_for_more_a_call_is_tried_once_and_for_as_long_as_any_try() -> None:
    trial = Trial(a_call(), Patience(total_s=0, try_s=7), Clock())

    timeout_s = trial.timeout_s()

    assert timeout_s == 7
    with pytest.raises(NoAnswer, match="reset"):
        trial.judge(Lost("reset"))


def test_a_try_may_take_what_is_left_and_what_the_server_was_asked_to_wait() -> None:
    clock = Clock()
    trial = Trial(a_call(wait_s=20), Patience(total_s=15, try_s=10), clock)

    at_first = trial.timeout_s()
    clock.now += 25

    assert at_first == 30
    assert trial.timeout_s() == 10


@given(st.floats(0.001, 10), st.floats(0.001, 60), st.integers(1, 60), st.floats(0, 100))
def test_pauses_stay_within_their_bounds(first: float, most: float, count: int, wanted: float) -> None:
    backoff = Backoff(Patience(pause_s_first=first, pause_s_max=most))

    pauses = [backoff.next_s(wanted) for _ in range(count)]

    assert all(wanted <= pause <= wanted + most for pause in pauses)
    assert pauses[0] <= wanted + first


def test_pauses_are_drawn_by_chance() -> None:
    pauses = {Backoff(Patience(pause_s_first=1)).next_s() for _ in range(20)}

    assert len(pauses) == 20


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Sat, 31 Jan 2026 12:00:30 GMT", 30.0),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("\u0663", 0.0),
        ("9" * 400, 0.0),
    ],
)
def test_the_time_to_stay_away_is_seconds_or_a_date(text: str, seconds: float) -> None:
    answer = Answer(503, {"retry-after": text}, b"")

    assert retry_after_s(answer, NOON) == seconds


def test_an_answer_that_dribbles_is_given_up() -> None:
    clock = Clock()
    gathering = Gathering(5, clock)

    in_time = gathering.add(b"{")
    clock.now += 6
    too_late = gathering.add(b"}")

    assert in_time is None
    assert too_late == Lost("the answer did not end in time")


def test_an_answer_without_end_is_given_up() -> None:
    gathering = Gathering(5)

    parts = [gathering.add(bytes(ANSWER_BYTES_MAX // 4)) for _ in range(5)]

    assert parts[:4] == [None] * 4
    assert isinstance(parts[4], Lost)
