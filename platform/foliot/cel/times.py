"""Timestamps and durations: read, written, added and asked.

Both are counted in nanoseconds. The time zone of a question is `UTC` or a fixed offset: what a name such as
`Europe/Paris` means is decided by parliaments and depends on the time-zone data of the machine, and a replay must find
what the first run found.

Source: CEL language definition, "Timestamps and durations" and "Timezones"; RFC 3339; protobuf's JSON for both.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.lexer import INT_MAX, INT_MIN
from foliot.cel.values import Duration, Timestamp, no_overload

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_UNITS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": _SECOND, "m": _MINUTE, "h": _HOUR}
TIMESTAMP_SECONDS_MIN: Final = -62_135_596_800
TIMESTAMP_SECONDS_MAX: Final = 253_402_300_799
_TIMESTAMP_MIN: Final = TIMESTAMP_SECONDS_MIN * _SECOND
_TIMESTAMP_MAX: Final = TIMESTAMP_SECONDS_MAX * _SECOND + _SECOND - 1

# The calendar repeats itself after 400 years; a year beyond Python's is looked up in another such cycle.
_CYCLE_YEARS: Final = 400
_CYCLE_DAYS: Final = 146_097
_EPOCH_ORDINAL: Final = 719_163

_TEXT_LENGTH_MAX: Final = 1024
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))\Z",
    re.ASCII | re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(ns|us|ms|s|m|h)", re.ASCII)
_ZONE: Final = re.compile(r"([+-]?)([01][0-9]|2[0-3]):([0-5][0-9])\Z", re.ASCII)


def to_timestamp(value: Any) -> Timestamp:
    """`timestamp(value)`: a text as RFC 3339 has it, or seconds since 1970."""
    if type(value) is Timestamp:
        return value
    if type(value) is int:
        return _bounded_timestamp(value * _SECOND)
    if type(value) is str:
        return _bounded_timestamp(_read_timestamp(value))
    raise no_overload("timestamp()", value)


def to_duration(value: Any) -> Duration:
    """`duration(value)`: numbers with units, such as `1h30m` or `-1.5s`."""
    if type(value) is Duration:
        return value
    if type(value) is str:
        return _bounded_duration(_read_duration(value))
    raise no_overload("duration()", value)


def seconds_of(value: Timestamp) -> int:
    """`int(timestamp)`: whole seconds since 1970, rounded down."""
    return value.nanoseconds // _SECOND


def time_text(value: Timestamp | Duration) -> str:
    """Write the value as protobuf's JSON does: with 0, 3, 6 or 9 digits behind the point."""
    if type(value) is Duration:
        seconds, rest = divmod(abs(value.nanoseconds), _SECOND)
        return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{_fraction(rest)}s"
    days, rest = divmod(value.nanoseconds, _DAY)
    year, day = _calendar(days)
    clock = f"{rest // _HOUR:02}:{rest // _MINUTE % 60:02}:{rest // _SECOND % 60:02}{_fraction(rest % _SECOND)}"
    return f"{year:04}-{day.month:02}-{day.day:02}T{clock}Z"


def add_times(left: Any, right: Any) -> Timestamp | Duration | None:
    """`left + right` where one of them is a duration and the other a duration or a timestamp; otherwise None."""
    kinds = (type(left), type(right))
    if kinds == (Duration, Duration):
        return _bounded_duration(left.nanoseconds + right.nanoseconds)
    if kinds in {(Timestamp, Duration), (Duration, Timestamp)}:
        return _bounded_timestamp(left.nanoseconds + right.nanoseconds)
    return None


def subtract_times(left: Any, right: Any) -> Timestamp | Duration | None:
    """`left - right` where CEL has it for times; otherwise None."""
    kinds = (type(left), type(right))
    if kinds in {(Duration, Duration), (Timestamp, Timestamp)}:
        return _bounded_duration(left.nanoseconds - right.nanoseconds)
    if kinds == (Timestamp, Duration):
        return _bounded_timestamp(left.nanoseconds - right.nanoseconds)
    return None


def select_time(value: Any, zone: Any, name: str) -> int:  # noqa: PLR0911 (one for each question)
    """`value.getHours()` and its likes; without a zone, which is then None, a timestamp is looked at in UTC."""
    if type(value) is Duration and zone is None and name in _OF_DURATIONS:
        unit, modulus = _OF_DURATIONS[name]
        amount = abs(value.nanoseconds) // unit % modulus
        return -amount if value.nanoseconds < 0 else amount
    if type(value) is not Timestamp or not (zone is None or type(zone) is str):
        raise no_overload(f"{name}()", *((value,) if zone is None else (value, zone)))
    local = value.nanoseconds + (0 if zone is None else zone_offset(zone))
    if name in _OF_CLOCKS:
        unit, modulus = _OF_CLOCKS[name]
        return local // unit % modulus
    year, day = _calendar(local // _DAY)
    match name:
        case "getFullYear":
            return year
        case "getMonth":
            return day.month - 1
        case "getDate":
            return day.day
        case "getDayOfMonth":
            return day.day - 1
        case "getDayOfWeek":
            return day.isoweekday() % 7
        case _:
            return day.toordinal() - day.replace(month=1, day=1).toordinal()


def zone_offset(zone: str) -> int:
    """Return the nanoseconds that a time zone is ahead of UTC.

    Raises:
        EvaluationError: it is neither `UTC` nor a fixed offset.
    """
    if zone == "UTC":
        return 0
    found = _ZONE.match(zone)
    if found is None:
        raise EvaluationError(
            "invalid_argument",
            f"The time zone {zone[:40]!r} is neither UTC nor a fixed offset; what names stand for differs by machine.",
            remedy="Write 'UTC' or an offset such as '+01:00'.",
        )
    sign, hours, minutes = found.groups()
    offset = int(hours) * _HOUR + int(minutes) * _MINUTE
    return -offset if sign == "-" else offset


_OF_DURATIONS: Final = {
    "getHours": (_HOUR, 2**63),
    "getMinutes": (_MINUTE, 2**63),
    "getSeconds": (_SECOND, 2**63),
    "getMilliseconds": (1_000_000, 1_000),
}
_OF_CLOCKS: Final = {
    "getHours": (_HOUR, 24),
    "getMinutes": (_MINUTE, 60),
    "getSeconds": (_SECOND, 60),
    "getMilliseconds": (1_000_000, 1_000),
}


def _read_timestamp(text: str) -> int:
    found = _TIMESTAMP.match(text) if len(text) <= _TEXT_LENGTH_MAX else None
    if found is None:
        raise _unreadable(text, "timestamp", "Write it as RFC 3339 does: 2026-01-31T12:00:00Z.")
    year, month, day, hours, minutes, seconds = (int(part) for part in found.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = found.groups()[6:]
    try:
        ordinal = date(year % _CYCLE_YEARS + _CYCLE_YEARS, month, day).toordinal()
    except ValueError:
        raise _unreadable(text, "timestamp", "There is no such day.") from None
    days = ordinal - _EPOCH_ORDINAL + (year // _CYCLE_YEARS - 1) * _CYCLE_DAYS
    local = days * _DAY + hours * _HOUR + minutes * _MINUTE + seconds * _SECOND + _parts(fraction or "", _SECOND)
    if sign is None:
        return local
    offset = int(zone_hours) * _HOUR + int(zone_minutes) * _MINUTE
    return local + offset if sign == "-" else local - offset


def _read_duration(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    total, position = 0, 0
    while len(text) <= _TEXT_LENGTH_MAX and (found := _AMOUNT.match(digits, position)):
        whole, fraction, unit = found.groups()
        total += int(whole or "0") * _UNITS[unit] + _parts(fraction or "", _UNITS[unit])
        position = found.end()
    if digits != "0" and (position == 0 or position < len(digits)):
        raise _unreadable(text, "duration", "Write numbers with units, h, m, s, ms, us or ns: 1h30m.")
    return -total if text[:1] == "-" else total


def _parts(fraction: str, unit: int) -> int:
    """Return the nanoseconds of a decimal fraction of a unit, cut."""
    scale: int = 10 ** len(fraction)
    return int(fraction or "0") * unit // scale


def _fraction(nanoseconds: int) -> str:
    for digits, unit in ((3, 1_000_000), (6, 1_000), (9, 1)):
        if nanoseconds % unit == 0:
            return f".{nanoseconds // unit:0{digits}}" if nanoseconds else ""
    raise AssertionError


def _calendar(days: int) -> tuple[int, date]:
    """Return the year of a day since 1970, and the day in a year like it."""
    cycles, rest = divmod(days + _EPOCH_ORDINAL - 1, _CYCLE_DAYS)
    day = date.fromordinal(rest + 1)
    return day.year + cycles * _CYCLE_YEARS, day


def _bounded_timestamp(nanoseconds: int) -> Timestamp:
    if not _TIMESTAMP_MIN <= nanoseconds <= _TIMESTAMP_MAX:
        raise EvaluationError("out_of_range", "The timestamp is before the year 1 or after the year 9999.")
    return Timestamp(nanoseconds)


def _bounded_duration(nanoseconds: int) -> Duration:
    if not INT_MIN <= nanoseconds <= INT_MAX:
        raise EvaluationError("out_of_range", "The duration is longer than 64 bits of nanoseconds, 292 years.")
    return Duration(nanoseconds)


def _unreadable(text: str, kind: str, remedy: str) -> EvaluationError:
    return EvaluationError("invalid_argument", f"The string {text[:40]!r} is no {kind}.", remedy=remedy)
