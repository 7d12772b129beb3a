"""Events on the wire: what ingest reads is what was written, and a fault has one code on both sides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.cloudevents import Event, EventRefused, KafkaRecord, Limits, Mode, decode, kafka_record, new_id, time_text

LIMITS = Limits(data_bytes_max=2048, depth_max=8, key_bytes_max=64)
GOOD = Event(machine="incident", key="case-1", type="reported", data={"severity": 2}, id="e-1")

printable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=15)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=10)
)
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
events = st.builds(
    Event,
    machine=st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?", fullmatch=True),
    key=printable,
    type=printable,
    data=values,
    source=printable,
    id=printable,
    time=st.none() | st.datetimes(timezones=st.just(UTC)).map(time_text),
    lane=st.sampled_from(["critical", "high", "normal", "low"]),
    tenant=st.sampled_from([None, "default", "acme"]),
    traceparent=st.none() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True),
)


def said_by(record: KafkaRecord) -> Event:
    """Read a record as ingest does."""
    read = decode(record.value, record.headers, LIMITS, {})
    lane: Any = record.topic.rpartition(".")[2]
    return Event(
        machine=read.machine,
        key=read.subject,
        type=read.type,
        data=None if read.data is None else json.loads(read.data),
        source=read.source,
        id=read.id,
        time=read.time,
        lane=lane,
        tenant=read.tenant,
        traceparent=read.traceparent,
    )


def code_of(event: Event) -> str:
    with pytest.raises(EventRefused) as caught:
        kafka_record(event, limits=LIMITS)
    return caught.value.refusal.code


@pytest.mark.parametrize("mode", ["structured", "binary"])
@given(event=events)
@settings(max_examples=150)
def test_ingest_reads_the_same_event_as_was_written(mode: Mode, event: Event):
    record = kafka_record(event, mode=mode, tenant="owner", limits=LIMITS)

    assert said_by(record) == replace(event, tenant=event.tenant or "owner")
    assert record.key == f"{event.tenant or 'owner'}/{event.machine}/{event.key}".encode()


@given(text=st.text(max_size=8), place=st.sampled_from(["id", "source", "type", "key", "time"]), mode=st.booleans())
@settings(max_examples=200)
def test_ingest_reads_whatever_text_is_not_refused(text: str, place: str, *, mode: bool):
    event = replace(GOOD, **{place: text})

    try:
        record = kafka_record(event, mode="binary" if mode else "structured", limits=LIMITS)
    except EventRefused:
        return

    assert said_by(record) == replace(event, tenant="default")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", ""),
        ("id", None),
        ("id", 7),
        ("id", "x" * 1025),
        ("source", "a\nb"),
        ("type", "x" * 1025),
        ("time", "yesterday"),
        ("time", "2026-02-30T00:00:00Z"),
        ("subject", ""),
        ("foliotmachine", ""),
        ("data", {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}),
        ("data", "x" * 2049),
        ("data", {"n": 2**63}),
        ("data", ["\x00"]),
        ("data", ["\ud800"]),
        ("data", [float("nan")]),
    ],
)
def test_a_fault_has_the_code_that_ingest_gives_it(member: str, value: object):
    field = {"subject": "key", "foliotmachine": "machine"}.get(member, member)
    attributes = {"specversion": "1.0", "id": "e", "source": "s", "type": "t", "subject": "k", "foliotmachine": "m"}
    by_hand = json.dumps({**attributes, "time": "2026-01-31T12:00:00Z", "data": 1, member: value}).encode()

    with pytest.raises(EventRefused) as caught:
        decode(by_hand, (("content-type", b"application/cloudevents+json"),), LIMITS, {})

    assert code_of(replace(GOOD, **{field: value})) == caught.value.refusal.code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lane": "urgent"}, "unknown_lane"),
        ({"type": "done.state.open"}, "type_reserved"),
        ({"key": "x" * 65}, "key_too_long"),
        ({"machine": "a/b"}, "unknown_machine"),
        ({"tenant": "A"}, "tenant_mismatch"),
        ({"id": "\ud800"}, "lone_surrogate"),
        ({"data": {1: 2}}, "not_json"),
        ({"data": {"at": datetime(2026, 1, 1, tzinfo=UTC)}}, "not_json"),
    ],
)
def test_what_could_never_arrive_is_refused_before_it_is_sent(change: dict[str, Any], code: str):
    assert code_of(replace(GOOD, **change)) == code


def test_data_that_holds_itself_is_too_deep():
    endless: list[Any] = []
    endless.append(endless)

    assert code_of(replace(GOOD, data=endless)) == "too_deep"


def test_a_refusal_names_the_place_inside_the_data():
    with pytest.raises(EventRefused, match=r"^integer_out_of_range at data/a/1: .*Send it as a text\.$"):
        kafka_record(replace(GOOD, data={"a": [1, 2**64]}))


def test_a_traceparent_that_cannot_be_read_is_left_away():
    assert said_by(kafka_record(replace(GOOD, traceparent="00-xyz"), limits=LIMITS)).traceparent is None


def test_an_event_keeps_its_id_and_time_so_that_it_can_be_sent_again():
    event = Event(machine="incident", key="case-1", type="reported")

    assert kafka_record(event) == kafka_record(event)
    assert event.id != Event(machine="incident", key="case-1", type="reported").id


def test_made_up_ids_are_of_version_7_and_sort_by_time():
    before = new_id()
    later = new_id()

    found = [UUID(before), UUID(later)]

    assert [(each.version, each.variant) for each in found] == [(7, "specified in RFC 4122")] * 2
    assert found[0].int >> 80 <= found[1].int >> 80
    assert abs((found[0].int >> 80) / 1000 - datetime.now(UTC).timestamp()) < 60


def test_a_moment_is_written_in_utc_and_only_if_it_knows_its_zone():
    moment = datetime(2026, 1, 31, 13, 0, tzinfo=timezone(timedelta(hours=1)))

    assert time_text(moment) == "2026-01-31T12:00:00.000000Z"
    with pytest.raises(ValueError, match="no time zone"):
        time_text(moment.replace(tzinfo=None))
