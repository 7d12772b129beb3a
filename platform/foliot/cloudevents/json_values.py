"""Python values that become the data of an event: only what JSON can say, and what survives storing unchanged."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from foliot.cloudevents.refused import refuse

LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_INT64: Final = range(-(2**63), 2**63)
_REFERENCE: Final = "Send a reference to the data, or raise FOLIOT_EVENT_BYTES_MAX."


def data_bytes(value: Any, *, bytes_max: int, depth_max: int) -> bytes:
    """Write a value in canonical JSON (sorted keys, no spaces).

    Raises:
        EventRefused: it is no JSON (`not_json`, `number_not_finite`), could not be kept unchanged
            (`integer_out_of_range`, `nul_character`, `lone_surrogate`) or is too large (`too_deep`, `data_too_large`).
    """
    _check(value, depth_max)
    raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if len(raw) > bytes_max:
        refuse("data_too_large", f"the data has {len(raw)} bytes, more than {bytes_max}", "data", _REFERENCE)
    return raw


def kind_of(value: Any) -> str:
    """Name the kind of a value as JSON calls it; what is none goes by its Python type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "text", int: "number", float: "number"}
    return names.get(type(value), type(value).__name__)


def _check(value: Any, depth_max: int) -> None:
    # A stack of its own: a value may be nested deeper than Python recurses, or even hold itself.
    waiting: list[tuple[Any, str, int]] = [(value, "data", 0)]
    while waiting:
        current, path, level = waiting.pop()
        if isinstance(current, dict | list) or type(current) is tuple:
            if level == depth_max:
                what, remedy = f"it is nested deeper than {depth_max}", "Flatten it or raise FOLIOT_EVENT_DEPTH_MAX."
                refuse("too_deep", what, "data", remedy)
            waiting.extend((child, place, level + 1) for child, place in _children(current, path))
        else:
            _check_scalar(current, path)


def _children(value: dict[Any, Any] | list[Any] | tuple[Any, ...], path: str) -> Iterator[tuple[Any, str]]:
    if not isinstance(value, dict):
        yield from ((child, f"{path}/{index}") for index, child in enumerate(value))
        return
    for name, child in value.items():
        if not isinstance(name, str):
            refuse("not_json", f"the key {name!r} is no text", path, "Use texts as keys.")
        _check_scalar(name, path)
        yield child, f"{path}/{name}"


def _check_scalar(value: Any, path: str) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            refuse("nul_character", "a text holds U+0000", path, "Send the text without it.")
        if LONE_SURROGATE.search(value):
            refuse("lone_surrogate", "a text holds half of a surrogate pair", path, "Send whole characters.")
    elif isinstance(value, int):
        if value not in _INT64:
            refuse("integer_out_of_range", "an integer does not fit 64 bits", path, "Send it as a text.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            refuse("number_not_finite", f"{value} is no JSON number", path, "Send null, or a text.")
    elif value is not None:
        refuse("not_json", f"a {type(value).__name__} is no JSON", path, "Send a text, a number, a list or a dict.")
