"""JSON as events may carry it: what `orjson` reads, less what would not survive storing and stepping unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

import orjson

from foliot.cloudevents.json_values import LONE_SURROGATE
from foliot.cloudevents.refused import refuse

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_DIGITS_AS_ZERO: Final = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
_MANY_DIGITS: Final = b"0" * 19


class _Place(NamedTuple):
    """A place is its parent's place and its own name: the words are put together for the one that is refused."""

    parent: _Place | None
    name: str | int


def parse(raw: bytes, *, depth_max: int) -> Any:
    """Read JSON, refusing what cannot be kept: see the codes `not_utf8` to `too_deep`.

    The cheap looks at the bytes decide whether the careful, slow ones are needed; most records need none.

    Raises:
        EventRefused: with the reason.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        _explain(raw, error)
    # First of all: what comes after it recurses.
    if raw.count(b"{") + raw.count(b"[") > depth_max and depth(value) > depth_max:
        refuse(
            "too_deep", f"it is nested deeper than {depth_max}", "data", "Flatten it or raise FOLIOT_EVENT_DEPTH_MAX."
        )
    if _MANY_DIGITS in raw.translate(_DIGITS_AS_ZERO):
        json.loads(raw, parse_int=_exact_integer)
    if b"\\u0000" in raw:
        check_characters(value)
    return value


def canonical(value: Any) -> bytes:
    """Write a parsed value in the one form that is stored and hashed: UTF-8, sorted keys, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def repeated_name(raw: bytes, document: Mapping[str, Any]) -> str | None:
    """Tell which of an object's top-level names is there more than once; `document` is `raw` as parsed."""
    # Most producers write as compactly as it is written here, and then it is the same text.
    if orjson.dumps(document) == raw:
        return None
    # A name written with an escape would be missed by counting; then the slow way looks.
    if b"\\u" not in raw and all(raw.count(b'"%b"' % name.encode()) == 1 for name in document):
        return None
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> None:
        # The outermost object is the last to be finished.
        pairs[:] = found

    json.loads(raw, object_pairs_hook=keep)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return None


def repeated_in_list(raw: bytes, documents: Sequence[Any]) -> str | None:
    """Tell which name stands more than once in an object that has a `specversion`; `documents` is `raw` as parsed."""
    if orjson.dumps(documents) == raw:
        return None
    repeated: list[str] = []

    def look(found: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in found]
        if "specversion" in names:
            repeated.extend(name for name in names if names.count(name) > 1)

    json.loads(raw, object_pairs_hook=look)
    return repeated[0] if repeated else None


def depth(value: Any) -> int:
    """Measure nesting: 0 for a scalar, 1 for a flat object or list."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        current, level = waiting.pop()
        if isinstance(current, dict | list):
            deepest = max(deepest, level + 1)
            children = current.values() if isinstance(current, dict) else current
            waiting.extend((child, level + 1) for child in children)
    return deepest


def check_characters(value: Any) -> None:
    """Refuse U+0000 in any text of a parsed value, names included."""
    waiting: list[tuple[Any, _Place | None]] = [(value, None)]
    while waiting:
        current, place = waiting.pop()
        if isinstance(current, str):
            if "\x00" in current:
                refuse("nul_character", "a text holds U+0000", _path(place), "Send the text without it.")
        elif isinstance(current, dict):
            for name, child in current.items():
                if "\x00" in name:
                    refuse("nul_character", "a name holds U+0000", _path(place), "Send the name without it.")
                waiting.append((child, _Place(place, name)))
        elif isinstance(current, list):
            waiting.extend((child, _Place(place, index)) for index, child in enumerate(current))


def _path(place: _Place | None) -> str:
    names: list[str] = []
    while place is not None:
        place, name = place
        names.append(str(name))
    return "".join(f"/{name}" for name in reversed(names))


def _exact_integer(digits: str) -> int:
    # Twenty characters are more than any 64-bit integer needs; int() of thousands would be slow or refused.
    if len(digits) > 20 or not INT64_MIN <= int(digits) <= INT64_MAX:
        shown = digits if len(digits) <= 24 else f"{digits[:24]}…"
        refuse("integer_out_of_range", f"{shown} does not fit 64 bits", "", "Send it as a text.")
    return 0


def _explain(raw: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    place = f"line {error.lineno} column {error.colno}"
    try:
        text = raw.decode()
    except UnicodeDecodeError as broken:
        refuse("not_utf8", f"byte {broken.start} is no UTF-8", f"byte {broken.start}", "Send UTF-8.")

    def constant(word: str) -> NoReturn:
        refuse("number_not_finite", f"{word} is no JSON number", place, "Send null, or a text.")

    try:
        value = json.loads(text, parse_constant=constant, parse_int=_exact_integer)
        has_half = LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)) is not None
    except RecursionError:
        refuse("too_deep", "it is nested deeper than any limit", place, "Flatten it.")
    except ValueError:
        refuse("not_json", error.msg, place, "Send one JSON value, in UTF-8 without a byte order mark.")
    if "depth limit" in error.msg:
        refuse("too_deep", "it is nested deeper than any limit", place, "Flatten it.")
    if has_half:
        refuse("lone_surrogate", "a text holds half of a surrogate pair", place, "Send whole characters.")
    refuse("number_not_finite", error.msg, place, "Send a number that a double can hold, or a text.")
