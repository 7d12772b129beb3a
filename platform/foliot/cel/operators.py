"""The types of what operators make.

Source: CEL language definition, "List of Standard Definitions".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from foliot.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    LIST,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    is_compatible,
    join,
)

_ORDERED: Final = (BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION)
_NUMBERS: Final = (INT, UINT, DOUBLE)
_ORDERED_KINDS: Final = frozenset(one.name for one in _ORDERED)
_NUMBER_KINDS: Final = frozenset(one.name for one in _NUMBERS)
_ARITHMETIC: Final = {
    "+": (*_NUMBERS, STRING, BYTES, LIST),
    "-": _NUMBERS,
    "*": _NUMBERS,
    "/": _NUMBERS,
    "%": (INT, UINT),
}
_TIMES: Final = {
    ("+", DURATION, DURATION): DURATION,
    ("+", TIMESTAMP, DURATION): TIMESTAMP,
    ("+", DURATION, TIMESTAMP): TIMESTAMP,
    ("-", DURATION, DURATION): DURATION,
    ("-", TIMESTAMP, DURATION): TIMESTAMP,
    ("-", TIMESTAMP, TIMESTAMP): DURATION,
}


def binary_result(operator: str, left: Type, right: Type) -> Type | None:
    """Return the type of `left operator right`, or None where no overload can take the operands."""
    match operator:
        case "==" | "!=":
            return BOOL if is_compatible(left, right) else None
        case "<" | "<=" | ">" | ">=":
            return BOOL if _common(left, right, _ORDERED) is not None else None
        case "in":
            return BOOL if _can_hold(right, left) else None
        case _ if left in (TIMESTAMP, DURATION) or right in (TIMESTAMP, DURATION):
            results = {
                result
                for (symbol, one, other), result in _TIMES.items()
                if symbol == operator and is_compatible(left, one) and is_compatible(right, other)
            }
            return (DYN if len(results) > 1 else results.pop()) if results else None
        case _:
            return _common(left, right, _ARITHMETIC[operator])


def unary_result(operator: str, operand: Type) -> Type | None:
    """Return the type of `operator operand`, or None where no overload can take the operand."""
    if operator == "!":
        return BOOL if is_compatible(operand, BOOL) else None
    return operand if operand in (INT, DOUBLE, DYN) else None


def index_result(container: Type, key: Type) -> Type | None:
    """Return the type of `container[key]`, or None where it can never have a value."""
    match container.name:
        case "dyn":
            return DYN
        case "list":
            return container.parameters[0] if is_compatible(key, INT) else None
        case "map":
            return container.parameters[1] if is_compatible(key, container.parameters[0]) else None
        case _:
            return None


def can_order(one: str, other: str) -> bool:
    """Say whether values of two kinds can stand in order when an expression runs: numbers of any type can."""
    return (one == other and one in _ORDERED_KINDS) or (one in _NUMBER_KINDS and other in _NUMBER_KINDS)


def arithmetic_kinds(operator: str, left: Iterable[str], right: Iterable[str]) -> frozenset[str]:
    """Return the kinds that `left operator right` may have when an expression runs: none where all operands fail."""
    kinds = {one.name for one in _ARITHMETIC[operator]} & frozenset(left) & frozenset(right)
    times = {
        result.name
        for (symbol, one, other), result in _TIMES.items()
        if symbol == operator and one.name in left and other.name in right
    }
    return frozenset(kinds | times)


def _can_hold(container: Type, item: Type) -> bool:
    match container.name:
        case "dyn":
            return True
        case "list" | "map":
            return is_compatible(item, container.parameters[0])
        case _:
            return False


def _common(left: Type, right: Type, allowed: tuple[Type, ...]) -> Type | None:
    """Return the type that both operands have where it is allowed; one `dyn` operand may turn out to be it."""
    if left == right == DYN:
        return DYN
    known = right if left == DYN else left
    if not is_compatible(left, right) or not any(is_compatible(known, one) for one in allowed):
        return None
    if known.name == "list":
        return LIST if DYN in (left, right) else join(left, right)
    return known
