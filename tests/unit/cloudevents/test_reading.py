"""CloudEvents out of Kafka records."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.ingest.bad_records import STRUCTURED, binary_headers, structured, with_data

from foliot.cloudevents import CloudEvent, EventRefused, Limits, decode
from foliot.cloudevents.json_text import depth
from foliot_ingest.codes import DECODE_CODES

LIMITS = Limits(data_bytes_max=2048, depth_max=8)


def decoded(value: bytes | None, headers: tuple[tuple[str, bytes | None], ...] = STRUCTURED) -> CloudEvent:
    return decode(value, headers, LIMITS, {})


def outcome(value: bytes) -> str:
    try:
        decoded(value)
    except EventRefused as refused:
        return refused.refusal.code
    return "event"


def test_a_structured_event_is_read_with_all_its_attributes():
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    event = decoded(structured(traceparent=trace, foliottenant="default", data={"b": 1, "a": [1.0, None]}))

    assert event == CloudEvent(
        id="e-1",
        source="/tests",
        type="reported",
        subject="case-1",
        machine="incident",
        tenant="default",
        time="2026-01-31T12:00:00Z",
        data='{"a":[1.0,null],"b":1}',
        traceparent=trace,
    )


def test_a_binary_event_says_the_same_as_a_structured_one():
    event = decoded(b'{"severity": 2}', binary_headers({"ce_time": b"2026-01-31T12:00:00Z"}))

    assert event == decoded(structured())


def test_an_event_may_come_without_data_in_both_modes():
    events = [decoded(structured(data=...)), decoded(b"", binary_headers())]

    assert [event.data for event in events] == [None, None]


def test_null_as_data_is_data():
    assert decoded(structured(data=None)).data == "null"


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json; charset=utf-8", "text/json"])
def test_every_content_type_of_json_is_taken(content_type: str):
    assert decoded(structured(datacontenttype=content_type)).data == '{"severity":2}'


@pytest.mark.parametrize(
    "time", ["2026-01-31t12:00:00z", "1985-04-12T23:20:50.52Z", "1990-12-31T23:59:60Z", "1996-12-19T16:39:57-08:00"]
)
def test_a_time_as_rfc_3339_has_it_is_kept_as_written(time: str):
    assert decoded(structured(time=time)).time == time


def test_a_traceparent_that_cannot_be_read_is_left_away():
    assert decoded(structured(traceparent="00-xyz")).traceparent is None


def test_extensions_of_others_are_let_through():
    assert decoded(structured(priority=5, sampled=True, region="eu")).id == "e-1"


def test_integers_at_both_ends_of_64_bits_stay_exact():
    event = decoded(with_data("[9223372036854775807, -9223372036854775808]"))

    assert event.data == "[9223372036854775807,-9223372036854775808]"


def test_many_digits_in_texts_and_fractions_are_no_integers():
    event = decoded(with_data('["99999999999999999999", 0.12345678901234567890]'))

    assert event.data == '["99999999999999999999",0.12345678901234568]'


def test_a_name_that_the_data_has_too_is_not_repeated():
    event = decoded(structured(data={"id": 1, "data": {"id": 2}, "source": "é"}))

    assert event.data == '{"data":{"id":2},"id":1,"source":"é"}'


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert decoded(with_data(r'"\\u0000"')).data == r'"\\u0000"'


def test_a_refusal_names_the_place_inside_the_record():
    with pytest.raises(EventRefused) as caught:
        decoded(with_data(r'{"a": ["x", "\u0000"]}'))

    assert caught.value.refusal.where == "/data/a/1"


def test_what_was_read_before_a_refusal_is_known():
    known: dict[str, object] = {}

    with pytest.raises(EventRefused):
        decode(structured(time="yesterday"), STRUCTURED, LIMITS, known)

    assert (known["id"], known["subject"], known["foliotmachine"]) == ("e-1", "case-1", "incident")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=4), inner, max_size=3
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150)
@given(json_values.filter(lambda value: depth(value) <= LIMITS.depth_max))
def test_data_that_json_can_say_comes_through_unchanged(value: object):
    event = decoded(structured(data=value))

    assert json.loads(event.data or "") == value


@settings(max_examples=300)
@given(st.binary(max_size=64), st.integers(0, 200), st.integers(0, 255))
def test_no_bytes_whatever_do_more_than_be_refused(noise: bytes, place: int, byte: int):
    damaged = bytearray(structured())
    damaged[place % len(damaged)] = byte

    for value in (noise, bytes(damaged)):
        assert outcome(value) in {"event", *DECODE_CODES}
