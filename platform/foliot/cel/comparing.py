"""Comparison and logic on values of any type.

Since `True == 1` in Python, types are compared before values.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from foliot.cel.containers import MISSING, look_up
from foliot.cel.failures import EvaluationError
from foliot.cel.metering import Meter, charge_length
from foliot.cel.values import NUMBERS, kind_of, no_overload

_ORDERED: Final = frozenset({"bool", "string", "bytes", "google.protobuf.Timestamp", "google.protobuf.Duration"})


def equals(left: Any, right: Any, meter: Meter | None) -> bool:
    """`left == right`: numbers by value, whatever their type; other values of different types are not equal."""
    kind, other = kind_of(left), kind_of(right)
    if kind in NUMBERS and other in NUMBERS:
        return bool(left == right)
    if kind != other:
        return False
    if kind in ("list", "map"):
        return len(left) == len(right) and _equal_containers(kind, left, right, meter)
    if kind == "optional_type":
        return left.is_present == right.is_present and equals(left.value, right.value, meter)
    charge_length(meter, left)
    return bool(left == right)


def _equal_containers(kind: str, left: Any, right: Any, meter: Meter | None) -> bool:
    charge_length(meter, left)
    if kind == "list":
        return all(equals(a, b, meter) for a, b in zip(left, right, strict=True))
    for key, value in left.items():
        found = look_up(right, key)
        if found is MISSING or not equals(value, found, meter):
            return False
    return True


def _comparison(symbol: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        kind, other = kind_of(left), kind_of(right)
        if (kind in NUMBERS and other in NUMBERS) or (kind == other and kind in _ORDERED):
            return compare(left, right)
        raise no_overload(symbol, left, right)

    return compared


less = _comparison("<", operator.lt)
less_equal = _comparison("<=", operator.le)
greater = _comparison(">", operator.gt)
greater_equal = _comparison(">=", operator.ge)


def require_bool(value: Any) -> None:
    """Refuse what is not a bool where logic needs one."""
    if value is not True and value is not False:
        raise no_overload("logic", value)


def require(value: Any, kind: str) -> None:
    """Refuse a result that does not have the wanted type."""
    if kind_of(value) != kind:
        raise EvaluationError("no_matching_overload", f"The result is {kind_of(value)}; {kind} is wanted.")


def settle(left: Any, right: bool, decisive: bool) -> None:  # noqa: FBT001 (generated calls are positional)
    """End logic whose left side is an error or no bool: the right side absorbs it if it alone decides."""
    if right is decisive:
        return
    if isinstance(left, EvaluationError):
        raise left
    require_bool(left)


def conclude(result: Any) -> None:
    """End a loop of logic that no element decided: an error that was absorbed so far is raised."""
    if isinstance(result, EvaluationError):
        raise result


def invert(operand: Any) -> bool:
    """`!operand`."""
    require_bool(operand)
    return not operand


def contains_item(item: Any, container: Any, meter: Meter | None) -> bool:
    """`item in container`: an element of a list or a key of a map."""
    match kind_of(container):
        case "list":
            charge_length(meter, container)
            if type(item) is str:
                return item in container
            return any(equals(item, element, meter) for element in container)
        case "map":
            return look_up(container, item) is not MISSING
        case _:
            raise no_overload("in", item, container)
