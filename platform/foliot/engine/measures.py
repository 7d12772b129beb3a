"""How large and how deep values are, measured only where they can matter.

Measuring a whole context costs as much as encoding it, so a step measures only when it assigned something bulky. Small
values cannot push a context past its limit unnoticed by more than `SMALL_TEXT_MAX` characters for each name that the
definition assigns, because each of them replaces the value that its name had.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from foliot.engine.errors import DataTooDeep, DataTooLarge, StateNotEncodable

SMALL_TEXT_MAX: Final = 256
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1


def is_plain(value: Any) -> bool:
    """Say whether a value of an expression is small, and JSON as it is. The most frequent values are."""
    kind = type(value)
    if kind is int:
        return bool(INT_MIN <= value <= INT_MAX)
    if kind is str:
        return len(value) <= SMALL_TEXT_MAX and bool(value.isascii())
    return kind is bool or value is None


def is_bulky(value: Any) -> bool:
    """Say whether a value must be measured: a list, a map or a long text."""
    kind = type(value)
    if kind is str:
        return len(value) > SMALL_TEXT_MAX
    return kind is dict or kind is list


def depth_exceeds(value: Any, depth_max: int) -> bool:
    """Say whether lists and maps are nested in more than `depth_max` levels, without recursion."""
    level = [value]
    for _ in range(depth_max):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return any(isinstance(item, dict | list) for item in level)


def encoded_bytes(value: Any) -> int:
    """Count the bytes of a value's JSON."""
    try:
        return len(orjson.dumps(value))
    except TypeError as error:
        raise StateNotEncodable(f"a value has no JSON: {error}") from error


def check_data(value: Any, *, bytes_max: int, depth_max: int, where: str) -> None:
    """Refuse the data of an event that is too large or too deep to leave the engine.

    Raises:
        DataTooDeep, DataTooLarge, StateNotEncodable.
    """
    if depth_exceeds(value, depth_max):
        raise DataTooDeep(f"a value is nested in more than {depth_max} levels", where=where)
    size = encoded_bytes(value)
    if size > bytes_max:
        raise DataTooLarge(f"{size} bytes, and {bytes_max} are allowed", where=where)
