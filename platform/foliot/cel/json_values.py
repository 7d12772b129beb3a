"""The way out of CEL: values that can be stored and sent as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sized
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.lexer import INT_MAX, INT_MIN
from foliot.cel.metering import CHARACTERS_PER_UNIT, COST_MAX, ELEMENTS_PER_UNIT, Meter
from foliot.cel.times import time_text
from foliot.cel.values import Duration, Timestamp, kind_of

JSON_DEPTH_MAX: Final = 64
# Values and characters of strings together. A list may hold the same long string many times.
JSON_WEIGHT_MAX: Final = 4 * 1024 * 1024


def to_json(value: Any, *, budget: int = COST_MAX) -> Any:
    """Return a copy of the value that is plain JSON: None, bool, int, float, str, list and dict.

    It may cost `budget` units, as much again as the evaluation that the value comes from: one for each list and map,
    and what a pass over what it holds costs.

    Timestamps and durations become texts, as in protobuf's JSON: `2026-01-31T12:00:00Z` and `5400.500s`.
    The copy shares no list or dict with the value, so it is safe to keep when the evaluation's input changes later.

    Raises:
        EvaluationError: `not_json`, for uint, bytes, optionals, types, NaN, infinities, ints beyond 64 bits, lone
            surrogates, keys that are no strings and more than `JSON_DEPTH_MAX` levels; `value_too_large` beyond
            `JSON_WEIGHT_MAX`.
        CelBudgetExceeded: the copy costs more than the budget.
    """
    return _Copier(budget).copy(value, 0)


class _Copier:
    def __init__(self, budget: int) -> None:
        self._meter = Meter(budget)
        self._weight = 1

    def copy(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is bool or value is None or (kind is int and INT_MIN <= value <= INT_MAX):
            return value
        depth += 1
        if kind is list:
            self._enter(value, depth)
            return [self.copy(element, depth) for element in value]
        if kind is dict or isinstance(value, Mapping):
            self._enter(value, depth)
            return {self._key(key): self.copy(element, depth) for key, element in value.items()}
        return _written(value)

    def _enter(self, value: Sized, depth: int) -> None:
        """Count a list or a map and its elements."""
        if depth > JSON_DEPTH_MAX:
            raise _no_json(f"more than {JSON_DEPTH_MAX} levels of lists and maps")
        self._weigh(len(value))
        self._meter.charge(1 + len(value) // ELEMENTS_PER_UNIT)

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
            self._meter.charge(len(text) // CHARACTERS_PER_UNIT)
            try:
                text.encode()
            except UnicodeEncodeError:
                raise _no_json("a lone surrogate") from None
        return text


def _written(value: Any) -> Any:
    """Give what is neither a list nor a map, and none of the most frequent values."""
    match kind_of(value):
        case "double":
            if not math.isfinite(value):
                raise _no_json(f"the double {value}")
            return value
        case "int":
            raise _no_json("an int beyond 64 bits")
        case _ if isinstance(value, (Timestamp, Duration)):
            return time_text(value)
        case "optional_type":
            raise _no_json("an optional", "Unpack it with orValue().")
        case kind:
            raise _no_json(f"a {kind}")


def _no_json(what: str, remedy: str = "Convert it.") -> EvaluationError:
    return EvaluationError("not_json", f"The result holds {what}, which cannot leave as JSON.", remedy=remedy)
