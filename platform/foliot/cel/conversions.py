"""`int()`, `uint()`, `double()`, `string()`, `bytes()`, `bool()` and `type()`."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.kinds import UInt
from foliot.cel.lexer import INT_MAX, INT_MIN, UINT_MAX
from foliot.cel.metering import Meter, charge_length
from foliot.cel.times import seconds_of, time_text
from foliot.cel.values import TypeValue, kind_of, no_overload

_SPACE: Final = " \t\n\v\f\r"
_INT: Final = re.compile(r"[+-]?0*[0-9]{1,20}\Z", re.ASCII)
_UINT: Final = re.compile(r"\+?0*[0-9]{1,20}\Z", re.ASCII)
_DOUBLE: Final = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)\Z", re.ASCII | re.IGNORECASE
)
_NUMBER_LENGTH_MAX: Final = 1024
_BOOLS: Final = {
    **dict.fromkeys(("true", "True", "TRUE", "t", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "f", "0"), False),
}


def _unreadable(text: str, kind: str) -> EvaluationError:
    return EvaluationError("invalid_argument", f"The string {text[:40]!r} is no {kind}.")


def _out_of_range(kind: str) -> EvaluationError:
    return EvaluationError("integer_overflow", f"The value is out of the range of {kind}.")


def _number_text(text: str, pattern: re.Pattern[str], kind: str) -> str:
    stripped = text.strip(_SPACE) if len(text) <= _NUMBER_LENGTH_MAX else ""
    if not pattern.match(stripped):
        raise _unreadable(text, kind)
    return stripped


def to_int(value: Any) -> int:
    """`int(value)`: doubles are cut toward zero."""
    match kind_of(value):
        case "int" | "bool" | "uint":
            result = int(value)
        case "double":
            # The double nearest to the greatest int is one too large, and so is left out, with its negative.
            if not INT_MIN < value < INT_MAX:
                raise _out_of_range("int")
            result = int(value)
        case "string":
            result = int(_number_text(value, _INT, "int"))
        case "google.protobuf.Timestamp":
            result = seconds_of(value)
        case _:
            raise no_overload("int()", value)
    if not INT_MIN <= result <= INT_MAX:
        raise _out_of_range("int")
    return result


def to_uint(value: Any) -> UInt:
    """`uint(value)`: doubles are cut toward zero."""
    match kind_of(value):
        case "int" | "uint":
            result = int(value)
        case "double":
            if not 0 <= value < UINT_MAX:
                raise _out_of_range("uint")
            result = int(value)
        case "string":
            result = int(_number_text(value, _UINT, "uint"))
        case _:
            raise no_overload("uint()", value)
    if not 0 <= result <= UINT_MAX:
        raise _out_of_range("uint")
    return UInt(result)


def to_double(value: Any) -> float:
    """`double(value)`."""
    match kind_of(value):
        case "int" | "uint" | "double":
            return float(value)
        case "string":
            return float(_number_text(value, _DOUBLE, "double"))
        case _:
            raise no_overload("double()", value)


def to_string(value: Any, meter: Meter | None) -> str:
    """`string(value)`: bytes are read as UTF-8."""
    match kind_of(value):
        case "string":
            return str(value)
        case "bool":
            return "true" if value else "false"
        case "int" | "uint":
            return str(int(value))
        case "double":
            return _double_text(value)
        case "google.protobuf.Timestamp" | "google.protobuf.Duration":
            return time_text(value)
        case "bytes":
            charge_length(meter, value)
            try:
                return bytes(value).decode()
            except UnicodeDecodeError:
                raise EvaluationError("invalid_argument", "The bytes are no UTF-8.") from None
        case _:
            raise no_overload("string()", value)


def to_bytes(value: Any, meter: Meter | None) -> bytes:
    """`bytes(value)`: the UTF-8 of a string."""
    match kind_of(value):
        case "bytes":
            return bytes(value)
        case "string":
            charge_length(meter, value)
            try:
                return str(value).encode()
            except UnicodeEncodeError:
                raise EvaluationError("invalid_argument", "The string has a lone surrogate, so no UTF-8.") from None
        case _:
            raise no_overload("bytes()", value)


def to_bool(value: Any) -> bool:
    """`bool(value)`."""
    match kind_of(value):
        case "bool":
            return bool(value)
        case "string":
            if value not in _BOOLS:
                raise _unreadable(value, "bool")
            return _BOOLS[value]
        case _:
            raise no_overload("bool()", value)


def type_of(value: Any) -> TypeValue:
    """`type(value)`."""
    return TypeValue(kind_of(value))


def _double_text(value: float) -> str:
    """Return the shortest digits that read back as the value, as `%g` lays them out with six as its turning point.

    Source: Go, strconv.FormatFloat(value, 'g', -1, 64), which other implementations of CEL follow.
    """
    if not math.isfinite(value):
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 (the value is finite)
    significant = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent
    prefix = "-" if sign else ""
    if value == 0:
        return f"{prefix}0"
    if not -4 <= point - 1 < 6:
        mantissa = significant[0] + (f".{significant[1:]}" if len(significant) > 1 else "")
        return f"{prefix}{mantissa}e{'-' if point < 1 else '+'}{abs(point - 1):02d}"
    if point <= 0:
        return f"{prefix}0.{'0' * -point}{significant}"
    if len(significant) <= point:
        return f"{prefix}{significant}{'0' * (point - len(significant))}"
    return f"{prefix}{significant[:point]}.{significant[point:]}"
