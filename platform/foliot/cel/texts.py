"""Functions on strings: the standard ones, and CEL's extension `strings`.

Positions count code points. `meter` is None where the evaluation cannot exceed its budget.

Source: CEL language definition, "List of Standard Definitions"; CEL specification, doc/extensions/strings.md.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.metering import CHARACTERS_PER_UNIT, ELEMENTS_PER_UNIT, MADE_LENGTH_MAX, Meter, charge_length
from foliot.cel.patterns import REFUSED_COST, compile_pattern, pattern_cost
from foliot.cel.values import no_overload

# Unicode's White_Space, which is not quite what Python strips.
_SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def _on_strings(name: str, test: Callable[[str, str], bool]) -> Callable[[Any, Any, Meter | None], bool]:
    def tested(target: Any, part: Any, meter: Meter | None) -> bool:
        _demand(name, (str, target), (str, part))
        charge_length(meter, target)
        return test(target, part)

    return tested


contains = _on_strings("contains", str.__contains__)
starts_with = _on_strings("startsWith", str.startswith)
ends_with = _on_strings("endsWith", str.endswith)


def matches(target: Any, pattern: Any, meter: Meter | None) -> bool:
    """`target.matches(pattern)`: some part of the string matches the regular expression, which is RE2's."""
    _demand("matches", (str, target), (str, pattern))
    try:
        compiled = compile_pattern(pattern)
    except EvaluationError:
        if meter is not None:
            meter.charge(REFUSED_COST)
        raise
    if meter is not None:
        meter.charge(pattern_cost(len(target), compiled.programsize))
    try:
        return compiled.search(target.encode()) is not None
    except UnicodeEncodeError:
        raise EvaluationError("invalid_argument", "The string has a lone surrogate, so no UTF-8.") from None


def char_at(target: Any, position: Any) -> str:
    """`target.charAt(position)`: empty right behind the end."""
    _demand("charAt", (str, target), (int, position))
    _check_position(target, position)
    return str(target[position : position + 1])


def index_of(target: Any, part: Any, start: Any, meter: Meter | None) -> int:
    """`target.indexOf(part, start)`: the first position at or after `start`, or -1."""
    _demand("indexOf", (str, target), (str, part), *([] if start is None else [(int, start)]))
    _check_position(target, start or 0)
    charge_length(meter, target)
    return int(target.find(part, start or 0))


def last_index_of(target: Any, part: Any, start: Any, meter: Meter | None) -> int:
    """`target.lastIndexOf(part, start)`: the last position at or before `start`, or -1."""
    _demand("lastIndexOf", (str, target), (str, part), *([] if start is None else [(int, start)]))
    _check_position(target, start or 0)
    charge_length(meter, target)
    return int(target.rfind(part) if start is None else target.rfind(part, 0, start + len(part)))


def substring(target: Any, start: Any, end: Any, meter: Meter | None) -> str:
    """`target.substring(start, end)`: up to the end of the string where `end` is None."""
    _demand("substring", (str, target), (int, start), *([] if end is None else [(int, end)]))
    stop = len(target) if end is None else end
    _check_position(target, start)
    _check_position(target, stop)
    if stop < start:
        raise EvaluationError("invalid_argument", f"The end {stop} is before the start {start}.")
    charge_length(meter, target)
    return str(target[start:stop])


def lower_ascii(target: Any, meter: Meter | None) -> str:
    """`target.lowerAscii()`."""
    _demand("lowerAscii", (str, target))
    _charge_rewriting(meter, target)
    return str(target.translate(_LOWER))


def upper_ascii(target: Any, meter: Meter | None) -> str:
    """`target.upperAscii()`."""
    _demand("upperAscii", (str, target))
    _charge_rewriting(meter, target)
    return str(target.translate(_UPPER))


def trim(target: Any, meter: Meter | None) -> str:
    """`target.trim()`: without Unicode's white space at both ends."""
    _demand("trim", (str, target))
    charge_length(meter, target)
    return str(target.strip(_SPACES))


def reverse(target: Any, meter: Meter | None) -> str:
    """`target.reverse()`."""
    _demand("reverse", (str, target))
    charge_length(meter, target)
    return str(target[::-1])


def replace(target: Any, old: Any, new: Any, limit: Any, meter: Meter | None) -> str:
    """`target.replace(old, new, limit)`: all of them where the limit is None or negative."""
    _demand("replace", (str, target), (str, old), (str, new), *([] if limit is None else [(int, limit)]))
    charge_length(meter, target)
    count = target.count(old)
    if limit is not None and 0 <= limit < count:
        count = limit
    _check_made(meter, len(target) + count * (len(new) - len(old)))
    return str(target.replace(old, new, count))


def split(target: Any, separator: Any, limit: Any, meter: Meter | None) -> list[str]:
    """`target.split(separator, limit)`: at most `limit` parts, all of them where it is None or negative."""
    _demand("split", (str, target), (str, separator), *([] if limit is None else [(int, limit)]))
    charge_length(meter, target)
    count = target.count(separator) + 1 if separator else max(len(target), 1)
    if limit is not None and 0 <= limit < count:
        count = limit
    if meter is not None:
        meter.charge(count // ELEMENTS_PER_UNIT)
    if count == 0:
        return []
    if separator:
        return list(target.split(separator, count - 1))
    return [*target[: count - 1], target[count - 1 :]]


def join(parts: Any, separator: Any, meter: Meter | None) -> str:
    """`parts.join(separator)`: without a separator where it is None."""
    between = "" if separator is None else separator
    if type(parts) is not list or type(between) is not str:
        raise no_overload("join()", parts, between)
    charge_length(meter, parts)
    for part in parts:
        _demand("join", (str, part))
    _check_made(meter, sum(map(len, parts)) + len(between) * max(len(parts) - 1, 0))
    return str(between.join(parts))


def _demand(name: str, *wanted: tuple[type, Any]) -> None:
    for kind, value in wanted:
        if type(value) is not kind:
            raise no_overload(f"{name}()", *(value for _, value in wanted))


def _check_position(target: str, position: int) -> None:
    if not 0 <= position <= len(target):
        raise EvaluationError("index_out_of_range", f"There is no position {position} in {len(target)} characters.")


def _charge_rewriting(meter: Meter | None, target: str) -> None:
    """Charge for what looks each character up."""
    if meter is not None:
        meter.charge(len(target) // ELEMENTS_PER_UNIT)


def _check_made(meter: Meter | None, length: int) -> None:
    if length > MADE_LENGTH_MAX:
        raise EvaluationError("value_too_large", f"The string would be longer than {MADE_LENGTH_MAX}.")
    if meter is not None:
        meter.charge(length // CHARACTERS_PER_UNIT)
