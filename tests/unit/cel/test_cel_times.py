"""Timestamps and durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.cel import DYN, Duration, Environment, EvaluationError, Timestamp, compile_expression, to_json

ENVIRONMENT = Environment({"t": DYN, "zone": DYN})
MOMENT = "2024-02-29T12:34:56.123456789Z"


def evaluate(source: str, value: Any = MOMENT, zone: Any = "UTC") -> Any:
    return compile_expression(source, ENVIRONMENT).evaluate(value, zone)


def reason_of(source: str, value: Any = MOMENT, zone: Any = "UTC") -> str:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source, value, zone)
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (MOMENT, MOMENT),
        ("2024-02-29T12:34:56.1234567899Z", MOMENT),
        ("2024-02-29t13:34:56+01:00", "2024-02-29T12:34:56Z"),
        ("2024-02-28T23:00:00.5-01:30", "2024-02-29T00:30:00.500Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.000001Z", "1969-12-31T23:59:59.000001Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_a_timestamp_is_read_and_written_to_the_nanosecond(text: str, written: str) -> None:
    assert evaluate("string(timestamp(t))", text) == written
    assert to_json(evaluate("[timestamp(t)]", text)) == [written]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1h30m", "5400s"),
        ("-1.5s", "-1.500s"),
        ("+.5m1us", "30.000001s"),
        ("1ns", "0.000000001s"),
        ("0.9ns", "0s"),
        ("0", "0s"),
        ("9223372036854775807ns", "9223372036.854775807s"),
        ("-9223372036854775808ns", "-9223372036.854775808s"),
    ],
)
def test_a_duration_is_read_and_written_to_the_nanosecond(text: str, written: str) -> None:
    assert evaluate("string(duration(t))", text) == written
    assert to_json(evaluate("{'d': duration(t)}", text)) == {"d": written}


@pytest.mark.parametrize(
    ("source", "text", "reason"),
    [
        ("timestamp(t)", "2024-02-30T00:00:00Z", "invalid_argument"),
        ("timestamp(t)", "2024-02-29T24:00:00Z", "invalid_argument"),
        ("timestamp(t)", "2024-02-29T00:00:00", "invalid_argument"),
        ("timestamp(t)", "2024-02-29", "invalid_argument"),
        ("timestamp(t)", "٢024-02-29T00:00:00Z", "invalid_argument"),
        ("timestamp(t)", "2024-02-29T00:00:00." + "1" * 2_000 + "Z", "invalid_argument"),
        ("timestamp(t)", "0000-12-31T23:59:59Z", "out_of_range"),
        ("timestamp(t)", "9999-12-31T23:59:59-00:01", "out_of_range"),
        ("timestamp(t)", 253_402_300_800, "out_of_range"),
        ("timestamp(t)", -62_135_596_801, "out_of_range"),
        ("timestamp(t)", 1.5, "no_matching_overload"),
        ("duration(t)", "1", "invalid_argument"),
        ("duration(t)", "1h 1m", "invalid_argument"),
        ("duration(t)", "1d", "invalid_argument"),
        ("duration(t)", ".s", "invalid_argument"),
        ("duration(t)", "9223372036854775808ns", "out_of_range"),
        ("duration(t)", "9" * 1_000 + "h", "out_of_range"),
        ("duration(t)", 1, "no_matching_overload"),
        ("timestamp(t) + duration('1ns')", "9999-12-31T23:59:59.999999999Z", "out_of_range"),
        ("timestamp(t) - timestamp('0001-01-01T00:00:00Z')", "9999-12-31T23:59:59Z", "out_of_range"),
        ("duration(t) + duration('1ns')", "9223372036854775807ns", "out_of_range"),
        ("timestamp(t).getHours(zone)", MOMENT, "invalid_argument"),
        ("dyn(timestamp(t)) + 1", MOMENT, "no_matching_overload"),
        ("dyn(duration('1s')) - timestamp(t)", MOMENT, "no_matching_overload"),
        ("dyn(timestamp(t)) < duration('1s')", MOMENT, "no_matching_overload"),
        ("dyn(duration('1s')).getFullYear()", MOMENT, "no_matching_overload"),
        ("{dyn(timestamp(t)): 1}", MOMENT, "no_matching_overload"),
    ],
)
def test_what_is_no_time_or_beyond_the_range_of_times_is_an_error(source: str, text: Any, reason: str) -> None:
    assert reason_of(source, text, "Europe/Paris") == reason


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("timestamp(t) - duration('1h') < timestamp(t)", True),
        ("timestamp(t) - timestamp('2024-02-29T12:00:00Z')", Duration(2_096_123_456_789)),
        ("duration('90m') + timestamp('2024-02-29T23:00:00Z')", Timestamp(1_709_253_000_000_000_000)),
        ("duration('90m') - duration('1h') == duration('1800s')", True),
        ("timestamp(0) == timestamp('1970-01-01T00:00:00Z')", True),
        ("dyn(timestamp(0)) == 0 || dyn(duration('0')) == timestamp(0)", False),
        ("timestamp(0) in [dyn(0), timestamp(0)]", True),
        ("int(timestamp('1969-12-31T23:59:59.5Z'))", -1),
        ("timestamp(0) == null || null == duration('0')", False),
        ("type(timestamp(t)) == google.protobuf.Timestamp", True),
        ("type(duration('1s')) == google.protobuf.Duration", True),
        ("duration('-3730.567s').getHours()", -1),
        ("duration('-3730.567s').getMinutes()", -62),
        ("duration('-3730.567s').getSeconds()", -3730),
        ("duration('-3730.567s').getMilliseconds()", -567),
        ("timestamp('0001-01-01T00:00:00Z').getFullYear('-01:00')", 0),
        ("timestamp('9999-12-31T23:59:59Z').getFullYear('+01:00')", 10_000),
    ],
)
def test_times_are_added_compared_and_asked(source: str, value: object) -> None:
    assert evaluate(source) == value


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 (bounds have none)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59)


@given(MOMENTS, OFFSETS)
def test_a_timestamp_has_the_parts_that_pythons_calendar_gives_it(moment: datetime, offset: int) -> None:
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    local = moment.astimezone(timezone(timedelta(minutes=offset)))
    names = ("FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "Hours", "Minutes", "Seconds")
    source = "[" + ", ".join(f"timestamp(t).get{name}(zone)" for name in (*names, "Milliseconds")) + "]"

    found = evaluate(source, moment.isoformat(), zone)

    assert found == [
        *(local.year, local.month - 1, local.day, local.day - 1, local.isoweekday() % 7, local.timetuple().tm_yday - 1),
        *(local.hour, local.minute, local.second, local.microsecond // 1000),
    ]


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_800 * 10**9 - 1))
def test_every_timestamp_can_be_read_as_it_was_written(nanoseconds: int) -> None:
    assert evaluate("timestamp(string(t))", Timestamp(nanoseconds)) == Timestamp(nanoseconds)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_duration_can_be_read_as_it_was_written(nanoseconds: int) -> None:
    assert evaluate("duration(string(t))", Duration(nanoseconds)) == Duration(nanoseconds)
