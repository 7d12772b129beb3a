"""What is sent: batches, paths, and ids that stay the same however often a call is tried."""

from __future__ import annotations

import httpx
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foliot.client import Accepted, ApiError, Event, EventRefused, Problem
from foliot.client.answers import Batch
from foliot.client.calls import (
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    Answer,
    add_batch,
    after_batches,
    list_instances,
    list_steps,
    move_channel,
    publish,
    send,
    send_batches,
)
from foliot.client.connecting import BadAddress, Reach
from foliot.cloudevents import Limits


def an_event(number: int = 1, size: int = 0) -> Event:
    return Event(machine="order", key=f"K{number}", type="placed", data={"fill": "x" * size}, lane="high")


def test_an_event_goes_with_its_lane_and_an_id_that_it_has_from_the_beginning() -> None:
    event = an_event()

    call = send(event, Limits(), 0)

    document = orjson.loads(call.body or b"")
    assert (document["id"], document["foliotlane"]) == (event.id, "high")
    assert len(event.id) == 36


def test_many_events_go_in_batches_of_what_the_api_takes() -> None:
    calls = send_batches((an_event(number) for number in range(2 * BATCH_EVENTS_MAX + 1)), Limits())

    sent = [orjson.loads(call.body or b"") for call in calls]

    assert [len(part) for part in sent] == [BATCH_EVENTS_MAX, BATCH_EVENTS_MAX, 1]
    assert [each["subject"] for part in sent for each in part] == [f"K{n}" for n in range(2 * BATCH_EVENTS_MAX + 1)]


def test_batches_of_large_events_stay_below_what_a_body_may_have() -> None:
    calls = send_batches([an_event(number, size=900_000) for number in range(10)], Limits())

    assert [len(orjson.loads(call.body or b"")) for call in calls] == [4, 4, 2]
    assert all(len(call.body or b"") < BATCH_BYTES_MAX + 10_000 for call in calls)


def test_no_events_are_no_request() -> None:
    assert send_batches([], Limits()) == ()


def test_an_event_that_breaks_a_rule_is_named_before_anything_is_sent() -> None:
    events = [an_event(), Event(machine="order", key="", type="placed")]

    with pytest.raises(EventRefused) as caught:
        send_batches(events, Limits())

    assert (caught.value.refusal.code, caught.value.refusal.where) == ("attribute_empty", "events[1].subject")


def test_what_was_taken_before_a_batch_failed_is_told_with_the_place_in_the_whole() -> None:
    taken = [Accepted(id="a", duplicate=False, position="1.1.1.1", state="accepted")]
    failed = ApiError(Problem(status=422, code="unknown_machine", index=4), status=422)

    with pytest.raises(ApiError) as caught, after_batches(list[Accepted | Problem](taken)):
        raise failed

    assert (caught.value.index, caught.value.taken) == (5, tuple(taken))


def test_a_problem_in_a_later_batch_counts_from_the_first_event() -> None:
    accepted = Accepted(id="a", duplicate=False, position="1.1.1.1", state="accepted")
    results: list[Accepted | Problem] = [accepted]

    add_batch(results, Batch(results=(accepted, Problem(status=409, code="id_reused", index=1))))

    assert isinstance(results[2], Problem)
    assert results[2].index == 2


@example(".")
@example("..")
@example("a/../b%2F?c#d")
@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_every_key_is_one_segment_of_a_path(key: str) -> None:
    call = list_steps("order", key).first

    path = httpx.URL("http://host" + call.path).raw_path.decode()

    assert path.count("/") == 5
    assert httpx.URL("http://host" + call.path).path == f"/v1/instances/order/{key}/history"


def test_pages_lead_on_until_there_is_none() -> None:
    pages = list_instances("order", "held")
    page = pages.first.read(_answer(b'{"items":[],"next":"c2"}'))
    last = pages.first.read(_answer(b'{"items":[],"next":null}'))

    following = pages.after(page)

    assert following is not None
    assert (following.query["cursor"], following.query["mode"]) == ("c2", "held")
    assert pages.after(last) is None


def test_what_changes_something_carries_an_id_of_its_own() -> None:
    first, second = publish("id: a", None), publish("id: a", None)
    named = move_channel("order", "stable", 2, if_match=0, mode="all", operation_id="mine")

    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    assert named.headers["idempotency-key"] == "mine"
    assert named.headers["if-none-match"] == "*"


def test_an_operation_id_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        publish("id: a", "a\nb")


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "ftp://host", "http://", "http://[::1", ""])
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(BadAddress):
        Reach(address, "")


def test_a_key_that_no_header_can_carry_is_refused_without_being_shown() -> None:
    with pytest.raises(BadAddress) as caught:
        Reach("http://host", "foliot_secret\n")

    assert "secret" not in str(caught.value)


def _answer(body: bytes) -> Answer:
    return Answer(200, {}, body)
