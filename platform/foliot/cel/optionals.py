"""Optional values: made, asked and unpacked."""

from __future__ import annotations

from typing import Any

from foliot.cel.failures import EvaluationError
from foliot.cel.values import NONE, Duration, Optional, Timestamp, kind_of, no_overload


def some(value: Any) -> Optional:
    """`optional.of(value)`."""
    return Optional(value)


def nothing() -> Optional:
    """`optional.none()`."""
    return NONE


def some_unless_zero(value: Any) -> Optional:
    """`optional.ofNonZeroValue(value)`: none for null, false, 0 and what is empty."""
    match kind_of(value):
        case "null_type" | "bool" | "int" | "uint" | "double" | "string" | "bytes":
            is_zero = not value
        case "list" | "map":
            is_zero = len(value) == 0
        case _:
            is_zero = isinstance(value, (Timestamp, Duration)) and value.nanoseconds == 0
    return NONE if is_zero else Optional(value)


def is_present(operand: Any) -> bool:
    """`operand.hasValue()`."""
    return _optional(operand, "hasValue").is_present


def held(operand: Any) -> Any:
    """`operand.value()`."""
    if not _optional(operand, "value").is_present:
        raise EvaluationError("no_value", "The optional is none.", remedy="Ask hasValue() first, or use orValue().")
    return operand.value


def make_list(values: list[Any], are_optional: list[bool]) -> list[Any]:
    """Make a list; of its optional elements, those that are none are left out."""
    made = []
    for value, is_optional in zip(values, are_optional, strict=True):
        if not is_optional:
            made.append(value)
        elif _optional(value, "[?]").is_present:
            made.append(value.value)
    return made


def make_map(keys: list[Any], values: list[Any], are_optional: list[bool]) -> dict[Any, Any]:
    """Make a map; it cannot hold both `true` and `1`. Of its optional entries, those that are none are left out."""
    made: dict[Any, Any] = {}
    for key, value, is_optional in zip(keys, values, are_optional, strict=True):
        if kind_of(key) not in ("string", "bool", "int", "uint"):
            raise EvaluationError("no_matching_overload", f"A map has no keys of type {kind_of(key)}.")
        if is_optional and not _optional(value, "{?}").is_present:
            continue
        if key in made:
            raise EvaluationError("duplicate_key", f"The map has the key {key!r} twice.")
        made[key] = value.value if is_optional else value
    return made


def _optional(operand: Any, operation: str) -> Optional:
    if type(operand) is not Optional:
        raise no_overload(operation, operand)
    return operand
