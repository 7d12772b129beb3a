"""The way out of CEL: values that can be stored and sent as JSON."""

from __future__ import annotations

import math
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.lexer import INT_MAX, INT_MIN
from foliot.cel.times import time_text
from foliot.cel.values import Duration, Timestamp, kind_of

JSON_DEPTH_MAX: Final = 64
# Values and characters of strings together. A list may hold the same long string many times.
JSON_WEIGHT_MAX: Final = 4 * 1024 * 1024


def to_json(value: Any) -> Any:
    """Return a copy of the value that is plain JSON: None, bool, int, float, str, list and dict.

    Timestamps and durations become texts, as in protobuf's JSON: `2026-01-31T12:00:00Z` and `5400.500s`.
    The copy shares no list or dict with the value, so it is safe to keep when the evaluation's input changes later.

    Raises:
        EvaluationError: `not_json`, for uint, bytes, optionals, types, NaN, infinities, ints beyond 64 bits, lone
            surrogates, keys that are no strings and more than `JSON_DEPTH_MAX` levels; `value_too_large` beyond
            `JSON_WEIGHT_MAX`.
    """
    return _Copier().copy(value, 0)


class _Copier:
    def __init__(self) -> None:
        self._weight = 0

    def copy(self, value: Any, depth: int) -> Any:  # noqa: C901, PLR0911 (one branch for each kind)
        self._weigh(1)
        match kind_of(value):
            case "null_type" | "bool":
                return value
            case "int":
                if not INT_MIN <= value <= INT_MAX:
                    raise _no_json("an int beyond 64 bits")
                return value
            case "double":
                if not math.isfinite(value):
                    raise _no_json(f"the double {value}")
                return value
            case "string":
                return self._text(value)
            case "list":
                _check_depth(depth + 1)
                return [self.copy(element, depth + 1) for element in value]
            case "map":
                _check_depth(depth + 1)
                return {self._key(key): self.copy(element, depth + 1) for key, element in value.items()}
            case _ if isinstance(value, (Timestamp, Duration)):
                return time_text(value)
            case "optional_type":
                raise _no_json("an optional", "Unpack it with orValue().")
            case kind:
                raise _no_json(f"a {kind}")

    def _weigh(self, weight: int) -> None:
        self._weight += weight
        if self._weight > JSON_WEIGHT_MAX:
            raise EvaluationError(
                "value_too_large", f"The result has more than {JSON_WEIGHT_MAX} characters and values."
            )

    def _key(self, key: Any) -> str:
        if type(key) is not str:
            raise _no_json(f"a key of type {kind_of(key)}")
        return self._text(key)

    def _text(self, text: str) -> str:
        self._weigh(len(text))
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise _no_json("a lone surrogate") from None
        return text


def _check_depth(depth: int) -> None:
    if depth > JSON_DEPTH_MAX:
        raise _no_json(f"more than {JSON_DEPTH_MAX} levels of lists and maps")


def _no_json(what: str, remedy: str = "Convert it.") -> EvaluationError:
    return EvaluationError("not_json", f"The result holds {what}, which cannot leave as JSON.", remedy=remedy)
