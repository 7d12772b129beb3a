"""The small words of the language: names, durations, event names and descriptors."""

from __future__ import annotations

import re

STATE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
MACHINE_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\Z")
TIMER_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*\Z")
TOPIC = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}\Z")
TARGET = re.compile(r"[#.]?[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*\Z")

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_:/-]*"
EVENT_NAME = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*\Z")
EVENT_DESCRIPTOR = re.compile(rf"\*\Z|{_SEGMENT}(?:\.{_SEGMENT})*(?:\.\*)?\Z")

# A service's id ends the names of its events: `done.invoke.ID`.
INVOKE_ID = EVENT_NAME

DURATION = re.compile(r"(0|[1-9][0-9]{0,14})(ms|s|m|h|d)?\Z")
_UNIT_MS: dict[str | None, int] = {None: 1, "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

# As SCXML writes them (CSS2 times), with a fraction.
DELAY = re.compile(r"([0-9]{0,12})(?:\.([0-9]{1,6}))?(ms|s|m|h|d)\Z")

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
STATEMENT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)\s*(\S.*?)\s*", re.DOTALL)

# What each looks like, for whoever wrote something else.
STATE_NAME_FORM = "Use letters, digits, _ and -, and begin with a letter or _."
MACHINE_ID_FORM = "Use at most 63 lower-case letters, digits, - and _, and begin and end with a letter or digit."
TIMER_ID_FORM = "Use letters, digits, _, -, : and dots, begin with a letter or _, and not like 'after.5000.'."
TOPIC_FORM = "Use at most 249 letters, digits, dots, _ and -."
TARGET_FORM = "Write name, name.child, .child (from this state) or #path.from.the.root."
EVENT_NAME_FORM = "Use words of letters, digits, _, -, : and / with dots between."
EVENT_DESCRIPTOR_FORM = "Write the event's name, 'name.*' for all that begin with it, or '*' for all."
INVOKE_ID_FORM = EVENT_NAME_FORM
DURATION_FORM = "Write 250ms, 30s, 15m, 2h, 7d or a number of milliseconds."


def duration_ms(text: str) -> int | None:
    """Read `250ms`, `30s`, `15m`, `2h`, `7d` or a number of milliseconds; None where it is none of these."""
    found = DURATION.match(text)
    return int(found[1]) * _UNIT_MS[found[2]] if found else None


def delay_us(text: str) -> int | None:
    """Read `.5s`, `1.5s` or `250ms` in microseconds; None where it is no such time."""
    found = DELAY.match(text.strip())
    if found is None or not (found[1] or found[2]):
        return None
    unit_us = _UNIT_MS[found[3]] * 1_000
    fraction = found[2] or "0"
    return int(found[1] or 0) * unit_us + int(fraction) * unit_us // int(10 ** len(fraction))
