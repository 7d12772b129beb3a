"""What a list of instances can be narrowed to beyond what its index knows: active states, and values of the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import orjson

from foliot.api.problems import Refused
from foliot.errors import Refusal

WHERE_MAX: Final = 8
WHERE_CHARS_MAX: Final = 512


def wanted_context(where: Sequence[str]) -> str | None:
    """Read `name:value` each; give them as one JSON object, which a context must contain. None where there are none.

    A value is JSON where it reads as a number, true, false, null or a text in quotes, and else the text itself.

    Raises:
        Refused: one of them is no such filter (`filter_invalid`).
    """
    wanted: dict[str, Any] = {}
    for text in where:
        name, colon, said = text.partition(":")
        if not colon or not name or len(text) > WHERE_CHARS_MAX or "\x00" in text:
            _refuse(f"{text[:64]!r} is no filter")
        if name in wanted:
            _refuse(f"{name[:64]!r} is asked for twice, and has one value")
        wanted[name] = _value(said)
    return orjson.dumps(wanted).decode() if wanted else None


def _value(said: str) -> Any:
    try:
        value = orjson.loads(said)
    except orjson.JSONDecodeError:
        return said
    if isinstance(value, dict | list):
        _refuse(f"{said[:64]!r} is a JSON {'object' if isinstance(value, dict) else 'list'}")
    if isinstance(value, str) and "\x00" in value:
        _refuse("no text in a context holds U+0000")
    return value


def _refuse(what: str) -> NoReturn:
    remedy = "Send where=name:value, the name of a value at the top of the context, and a text, number, true or null."
    raise Refused(Refusal("filter_invalid", what, "where", remedy))
