"""What generated code calls where its own fast paths end: operators and functions on values of any type.

Values are plain Python: int is CEL's int, float its double; bool, str, bytes, None, list and dict (or another Mapping)
are what they look like; `UInt` is uint. Since `True == 1` in Python, types are compared before values.

An operation that takes long on long values is charged to the evaluation's meter, if it has one. Evaluations without a
loop have none: the length of their source bounds what they can do.
"""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from foliot.cel.failures import CelBudgetExceeded, EvaluationError
from foliot.cel.kinds import UInt
from foliot.cel.lexer import INT_MAX, INT_MIN, UINT_MAX

COST_MAX: Final = 100_000
# Code points of a string, bytes, or elements of a list that an operator joins.
JOINED_LENGTH_MAX: Final = 4 * 1024 * 1024

# Strings are read at some bytes a nanosecond, elements of lists at some nanoseconds each.
_CHARACTERS_PER_UNIT: Final = 1024
_ELEMENTS_PER_UNIT: Final = 8

_MISSING: Final = object()
_DIGEST: Final = hashlib.blake2b(digest_size=16)
"""Copied, which takes half the time of beginning anew."""
_KIND_NAMES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
}
_NUMBERS: Final = frozenset({"int", "uint", "double"})
_ORDERED: Final = frozenset({"bool", "string", "bytes"})


class Meter:
    """What one evaluation has cost so far; a unit is one turn of a short loop, about a microsecond."""

    __slots__ = ("spent",)

    def __init__(self) -> None:
        self.spent = 0

    def charge(self, units: int) -> None:
        """Add to the cost.

        Raises:
            CelBudgetExceeded: it is more than `COST_MAX`.
        """
        self.spent += units
        if self.spent > COST_MAX:
            raise CelBudgetExceeded(COST_MAX)


def kind_of(value: Any) -> str:
    """Return the name of a value's CEL type."""
    kind = _KIND_NAMES.get(type(value))
    if kind is not None:
        return kind
    return "map" if isinstance(value, Mapping) else type(value).__name__


def no_overload(operation: str, *operands: Any) -> EvaluationError:
    """Make the error of an operation that does not know its operands' types."""
    shown = ", ".join(kind_of(operand) for operand in operands)
    return EvaluationError("no_matching_overload", f"{operation} cannot take ({shown}).")


# Arithmetic


def overflow() -> NoReturn:
    """Refuse an int beyond 64 bits."""
    raise EvaluationError("integer_overflow", "The result is beyond 64 bits.")


def _bounded(value: int, kind: str) -> int:
    if kind == "int":
        return value if INT_MIN <= value <= INT_MAX else overflow()
    return UInt(value) if 0 <= value <= UINT_MAX else overflow()


def add(left: Any, right: Any, meter: Meter | None) -> Any:
    """`left + right`: numbers of one type, or two strings, bytes or lists joined."""
    # Short texts are what is joined most often.
    if type(left) is str and type(right) is str and len(left) + len(right) < _CHARACTERS_PER_UNIT:
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
                if length > JOINED_LENGTH_MAX:
                    raise EvaluationError("value_too_large", f"The joined {kind} is longer than {JOINED_LENGTH_MAX}.")
                if meter is not None:
                    meter.charge(length // (_ELEMENTS_PER_UNIT if kind == "list" else _CHARACTERS_PER_UNIT))
                return left + right
            case _:
                pass
    raise no_overload("+", left, right)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
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
    if kind not in _NUMBERS or kind != kind_of(right):
        raise no_overload(operation, left, right)
    return kind


def _divisor(value: int) -> int:
    if value == 0:
        raise EvaluationError("division_by_zero", "The divisor is 0.")
    return value


# Comparison


def equals(left: Any, right: Any, meter: Meter | None) -> bool:
    """`left == right`: numbers by value, whatever their type; other values of different types are not equal."""
    kind, other = kind_of(left), kind_of(right)
    if kind in _NUMBERS and other in _NUMBERS:
        return bool(left == right)
    if kind != other:
        return False
    if kind in ("list", "map"):
        return len(left) == len(right) and _equal_containers(kind, left, right, meter)
    _charge_length(meter, left)
    return bool(left == right)


def _equal_containers(kind: str, left: Any, right: Any, meter: Meter | None) -> bool:
    _charge_length(meter, left)
    if kind == "list":
        return all(equals(a, b, meter) for a, b in zip(left, right, strict=True))
    for key, value in left.items():
        found = _lookup(right, key)
        if found is _MISSING or not equals(value, found, meter):
            return False
    return True


def _comparison(symbol: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        kind, other = kind_of(left), kind_of(right)
        if (kind in _NUMBERS and other in _NUMBERS) or (kind == other and kind in _ORDERED):
            return compare(left, right)
        raise no_overload(symbol, left, right)

    return compared


less = _comparison("<", operator.lt)
less_equal = _comparison("<=", operator.le)
greater = _comparison(">", operator.gt)
greater_equal = _comparison(">=", operator.ge)


# Logic


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


# Containers


def _charge_length(meter: Meter | None, value: Any) -> None:
    if meter is not None and isinstance(value, (str, bytes)):
        meter.charge(len(value) // _CHARACTERS_PER_UNIT)
    elif meter is not None and isinstance(value, (list, Mapping)):
        meter.charge(len(value) // _ELEMENTS_PER_UNIT)


def _lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """Return the value of a key, or `_MISSING`. Numbers are found by value, whatever their type."""
    if type(key) is str:
        return mapping.get(key, _MISSING)
    kind = kind_of(key)
    if kind not in _NUMBERS and kind != "bool":
        raise EvaluationError("no_matching_overload", f"A map has no keys of type {kind}.")
    found = mapping.get(key, _MISSING)
    if found is _MISSING or key not in (0, 1):
        return found
    # Only here can Python take a bool for a number. Maps with such keys come out of short literals.
    stored = next(one for one in mapping if one == key)
    return found if (type(stored) is bool) == (kind == "bool") else _MISSING


def has_field(value: Any, field: str) -> bool:
    """`has(value.field)`."""
    if kind_of(value) != "map":
        raise no_overload("has()", value)
    return field in value


def index(container: Any, key: Any) -> Any:
    """`container[key]`."""
    match kind_of(container):
        case "list":
            if kind_of(key) not in _NUMBERS or key != key or key in (math.inf, -math.inf) or key != int(key):  # noqa: PLR0124 (NaN)
                raise no_overload("[]", container, key)
            if not 0 <= key < len(container):
                raise EvaluationError("index_out_of_range", f"There is no index {key} in {len(container)} elements.")
            return container[int(key)]
        case "map":
            found = _lookup(container, key)
            if found is _MISSING:
                raise EvaluationError("no_such_key", f"The map has no key {key!r}.")
            return found
        case _:
            raise no_overload("[]", container, key)


def contains_item(item: Any, container: Any, meter: Meter | None) -> bool:
    """`item in container`: an element of a list or a key of a map."""
    match kind_of(container):
        case "list":
            _charge_length(meter, container)
            if type(item) is str:
                return item in container
            return any(equals(item, element, meter) for element in container)
        case "map":
            return _lookup(container, item) is not _MISSING
        case _:
            raise no_overload("in", item, container)


def make_map(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    """Make a map out of keys that are not all known beforehand. It cannot hold both `true` and `1`."""
    result: dict[Any, Any] = {}
    for key, value in zip(keys, values, strict=True):
        if kind_of(key) not in ("string", "bool", "int", "uint"):
            raise EvaluationError("no_matching_overload", f"A map has no keys of type {kind_of(key)}.")
        if key in result:
            raise EvaluationError("duplicate_key", f"The map has the key {key!r} twice.")
        result[key] = value
    return result


def iterate(value: Any, meter: Meter, weight: int) -> Any:
    """Return what a macro loops over: a list's elements, or a map's keys in a fixed order. A turn costs `weight`."""
    kind = kind_of(value)
    if kind not in ("list", "map"):
        raise no_overload("A macro", value)
    # The whole range is charged before the first turn, so that the cost does not depend on where a loop ends.
    meter.charge(len(value) * weight)
    if kind == "list":
        return value
    return sorted(value, key=lambda key: (isinstance(key, str), isinstance(key, bool), key))


def size(value: Any) -> int:
    """Count code points, bytes, elements or entries."""
    if kind_of(value) not in ("string", "bytes", "list", "map"):
        raise no_overload("size()", value)
    return len(value)


# Functions on strings


def _on_strings(name: str, test: Callable[[str, str], bool]) -> Callable[[Any, Any, Meter | None], bool]:
    def tested(target: Any, part: Any, meter: Meter | None) -> bool:
        if type(target) is not str or type(part) is not str:
            raise no_overload(f"{name}()", target, part)
        _charge_length(meter, target)
        return test(target, part)

    return tested


contains = _on_strings("contains", str.__contains__)
starts_with = _on_strings("startsWith", str.startswith)
ends_with = _on_strings("endsWith", str.endswith)


def digest(text: Any, meter: Meter | None) -> str:
    """Return the BLAKE2b (16 bytes, lower-case hex) of the text's UTF-8."""
    if type(text) is not str:
        raise no_overload("digest()", text)
    if meter is not None:
        _charge_length(meter, text)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise EvaluationError("invalid_argument", "The text has a lone surrogate, so it has no UTF-8.") from None
    hashing = _DIGEST.copy()
    hashing.update(encoded)
    return hashing.hexdigest()


def refuse(what: Any) -> NoReturn:
    """End the evaluation with an error in the expression's own words."""
    if type(what) is not str:
        raise no_overload("fail()", what)
    raise EvaluationError("failed", what)


def call_passed(function: Callable[[Any], Any], name: str, argument: Any, parameter: str, result: str) -> Any:
    """Call a host function that the caller of the evaluation passed."""
    if kind_of(argument) != parameter:
        raise no_overload(f"{name}()", argument)
    try:
        value = function(argument)
    except (KeyError, TypeError) as fault:
        # Generated code takes these two for failed selections; here they are the host's own fault.
        raise RuntimeError(f"the host function {name} failed") from fault
    assert kind_of(value) == result, f"the host function {name} must return {result}"  # noqa: S101 (our own bug)
    return value
