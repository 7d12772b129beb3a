"""Texts of users and programs, made fit for a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson


def visible(text: str | None, *, chars_max: int = 0) -> str:
    """Write a text on one line: what cannot be shown becomes an escape, so that no text can steer a terminal.

    With `chars_max` the rest is cut off and an ellipsis says so.
    """
    if text is None:
        return ""
    cut = text[:chars_max] if chars_max else text
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)
    return shown if len(cut) == len(text) else f"{shown}…"


def visible_bytes(raw: bytes, *, bytes_max: int) -> str:
    """Write bytes as text on one line; what is no UTF-8 becomes an escape, and what was cut off is counted."""
    shown = visible(raw[:bytes_max].decode("utf-8", "backslashreplace"))
    return shown if len(raw) <= bytes_max else f"{shown}… ({len(raw) - bytes_max} bytes more)"


def counted(count: int, thing: str) -> str:
    """Write how many of a thing there are, of more or fewer than one with an s."""
    return f"{count} {thing if count == 1 else f'{thing}s'}"


def moment(at: datetime | None) -> str:
    """Write a time, UTC, to the millisecond."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"


def json_text(value: Any) -> str:
    """Write a JSON value for people: indented, and nothing in it that would steer a terminal."""
    lines = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode().split("\n")
    return "\n".join(visible(line) for line in lines)
