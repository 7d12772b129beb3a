"""Arithmetic on values of any type: what generated code calls where its own fast paths end."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final, NoReturn

from foliot.cel.failures import EvaluationError
from foliot.cel.kinds import UInt
from foliot.cel.lexer import INT_MAX, INT_MIN, UINT_MAX
from foliot.cel.metering import CHARACTERS_PER_UNIT, JOINED_PER_UNIT, MADE_LENGTH_MAX, Meter, charge_length
from foliot.cel.times import add_times, subtract_times
from foliot.cel.values import NUMBERS, Duration, Timestamp, kind_of, no_overload

_TIMES: Final = (Timestamp, Duration)


def overflow() -> NoReturn:
    """Refuse an int beyond 64 bits."""
    raise EvaluationError("integer_overflow", "The result is beyond 64 bits.")


def _bounded(value: int, kind: str) -> int:
    if kind == "int":
        return value if INT_MIN <= value <= INT_MAX else overflow()
    return UInt(value) if 0 <= value <= UINT_MAX else overflow()


def add(left: Any, right: Any, meter: Meter | None) -> Any:
    """`left + right`: numbers of one type, two strings, bytes or lists joined, or a duration and a time."""
    # Short texts are what is joined most often.
    if type(left) is str and type(right) is str and len(left) + len(right) < CHARACTERS_PER_UNIT:
        return left + right
    kind = kind_of(left)
    if kind == kind_of(right):
        match kind:
            case "int" | "uint":
                return _bounded(int(left) + int(right), kind)
            case "double":
                return left + right
            case "string" | "bytes" | "list":
                length = len(left) + len(right)
                if length > MADE_LENGTH_MAX:
                    raise EvaluationError("value_too_large", f"The joined {kind} is longer than {MADE_LENGTH_MAX}.")
                if meter is not None:
                    meter.charge(length // (JOINED_PER_UNIT if kind == "list" else CHARACTERS_PER_UNIT))
                return left + right
            case _:
                pass
    made = add_times(left, right)
    if made is None:
        raise no_overload("+", left, right)
    return made


def subtract(left: Any, right: Any) -> Any:
    """`left - right`: numbers of one type, or times."""
    if type(left) in _TIMES and (made := subtract_times(left, right)) is not None:
        return made
    kind = _number_kind("-", left, right)
    return left - right if kind == "double" else _bounded(int(left) - int(right), kind)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`."""
    kind = _number_kind("*", left, right)
    return left * right if kind == "double" else _bounded(int(left) * int(right), kind)


def divide(left: Any, right: Any) -> Any:
    """`left / right`: integers are cut toward zero; doubles follow IEEE 754."""
    kind = _number_kind("/", left, right)
    if kind == "double":
        if right != 0:
            return left / right
        if left == 0 or math.isnan(left) or math.isnan(right):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    quotient = abs(left) // _divisor(abs(right))
    return _bounded(-quotient if (left < 0) != (right < 0) else quotient, kind)


def modulo(left: Any, right: Any) -> Any:
    """`left % right`: the sign is that of `left`."""
    kind = _number_kind("%", left, right)
    if kind == "double":
        raise no_overload("%", left, right)
    if kind == "int" and left == INT_MIN and right == -1:
        overflow()
    remainder = abs(left) % _divisor(abs(right))
    return _bounded(-remainder if left < 0 else remainder, kind)


def negate(operand: Any) -> Any:
    """`-operand`."""
    match kind_of(operand):
        case "int":
            return _bounded(-operand, "int")
        case "double":
            return -operand
        case _:
            raise no_overload("-", operand)


def _number_kind(operation: str, left: Any, right: Any) -> str:
    kind = kind_of(left)
    if kind not in NUMBERS or kind != kind_of(right):
        raise no_overload(operation, left, right)
    return kind


def _divisor(value: int) -> int:
    if value == 0:
        raise EvaluationError("division_by_zero", "The divisor is 0.")
    return value


def greatest(values: list[Any], meter: Meter | None) -> Any:
    """`math.greatest(…)`: of equal numbers the first."""
    return _extreme("math.greatest()", operator.gt, values, meter)


def least(values: list[Any], meter: Meter | None) -> Any:
    """`math.least(…)`: of equal numbers the first."""
    return _extreme("math.least()", operator.lt, values, meter)


def _extreme(operation: str, beats: Callable[[Any, Any], bool], values: list[Any], meter: Meter | None) -> Any:
    """Return the number that no other beats, of the arguments or of the elements of the only one, a list."""
    found = values[0] if len(values) == 1 and type(values[0]) is list else values
    charge_length(meter, found)
    if not found:
        raise EvaluationError("invalid_argument", f"{operation} of no numbers has no value.")
    if any(kind_of(value) not in NUMBERS for value in found):
        raise no_overload(operation, *found[:8])
    best = found[0]
    for value in found[1:]:
        if beats(value, best):
            best = value
    return best
