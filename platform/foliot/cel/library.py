"""The functions of CEL: their signatures, and what generated code calls for them.

Source: CEL language definition, "List of Standard Definitions"; the extensions `optionals` (version 1), `strings`
(version 1 without `format` and `quote`, and `reverse` of version 3) and, of `math`, `greatest` and `least`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foliot.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    OPTIONAL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Type,
    is_compatible,
    join,
    list_of,
    map_of,
    optional_of,
)

_LIST: Final = list_of(DYN)
_STRINGS: Final = list_of(STRING)
_ANY_MAP: Final = map_of(DYN, DYN)
_NUMBERS: Final = (INT, UINT, DOUBLE)


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature; of a method the first parameter is what it is called on."""

    parameters: tuple[Type, ...]
    result: Type
    is_method: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function, and the operation of generated code that does its work.

    The operation takes the arguments, of which those that were left out up to `arity` are None, then the function's own
    name where `names_itself`, then the meter where `is_charged`. Of any number of arguments (`is_variadic`) it takes a
    list.
    """

    operation: str
    overloads: tuple[Overload, ...]
    is_charged: bool = False
    arity: int = 0
    names_itself: bool = False
    is_variadic: bool = False


def _converts(operation: str, result: Type, *sources: Type, is_charged: bool = False) -> Function:
    return Function(operation, tuple(Overload((source,), result) for source in sources), is_charged)


def _method(operation: str, result: Type, *signatures: tuple[Type, ...], is_charged: bool = True) -> Function:
    overloads = tuple(Overload(signature, result, is_method=True) for signature in signatures)
    arity = max(len(signature) for signature in signatures) if len(signatures) > 1 else 0
    return Function(operation, overloads, is_charged, arity)


def _of_times(*, has_durations: bool) -> Function:
    signatures = [(TIMESTAMP,), (TIMESTAMP, STRING), *([(DURATION,)] if has_durations else [])]
    overloads = tuple(Overload(signature, INT, is_method=True) for signature in signatures)
    return Function("select_time", overloads, arity=2, names_itself=True)


FUNCTIONS: Final[dict[str, Function]] = {
    "size": Function(
        "size",
        tuple(
            Overload((sized,), INT, is_method)
            for is_method in (False, True)
            for sized in (STRING, BYTES, _LIST, _ANY_MAP)
        ),
    ),
    "contains": _method("contains", BOOL, (STRING, STRING)),
    "startsWith": _method("starts_with", BOOL, (STRING, STRING)),
    "endsWith": _method("ends_with", BOOL, (STRING, STRING)),
    "matches": Function(
        "matches",
        tuple(Overload((STRING, STRING), BOOL, is_method) for is_method in (False, True)),
        is_charged=True,
    ),
    "int": _converts("to_int", INT, INT, UINT, DOUBLE, STRING, TIMESTAMP),
    "uint": _converts("to_uint", UINT, INT, UINT, DOUBLE, STRING),
    "double": _converts("to_double", DOUBLE, INT, UINT, DOUBLE, STRING),
    "string": _converts(
        "to_string", STRING, BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION, is_charged=True
    ),
    "bytes": _converts("to_bytes", BYTES, BYTES, STRING, is_charged=True),
    "bool": _converts("to_bool", BOOL, BOOL, STRING),
    "timestamp": _converts("to_timestamp", TIMESTAMP, TIMESTAMP, STRING, INT),
    "duration": _converts("to_duration", DURATION, DURATION, STRING),
    "type": _converts("type_of", TYPE, DYN),
    "dyn": _converts("", DYN, DYN),
    # Times
    **{
        name: _of_times(has_durations=name in ("getHours", "getMinutes", "getSeconds", "getMilliseconds"))
        for name in (
            *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
            *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
        )
    },
    # Optionals
    "optional.of": _converts("some", OPTIONAL, DYN),
    "optional.none": Function("nothing", (Overload((), OPTIONAL),)),
    "optional.ofNonZeroValue": _converts("some_unless_zero", OPTIONAL, DYN),
    "hasValue": _method("is_present", BOOL, (OPTIONAL,), is_charged=False),
    "value": _method("held", DYN, (OPTIONAL,), is_charged=False),
    "or": _method("", OPTIONAL, (OPTIONAL, OPTIONAL), is_charged=False),
    "orValue": _method("", DYN, (OPTIONAL, DYN), is_charged=False),
    # Strings
    "charAt": _method("char_at", STRING, (STRING, INT), is_charged=False),
    "indexOf": _method("index_of", INT, (STRING, STRING), (STRING, STRING, INT)),
    "lastIndexOf": _method("last_index_of", INT, (STRING, STRING), (STRING, STRING, INT)),
    "lowerAscii": _method("lower_ascii", STRING, (STRING,)),
    "upperAscii": _method("upper_ascii", STRING, (STRING,)),
    "replace": _method("replace", STRING, (STRING, STRING, STRING), (STRING, STRING, STRING, INT)),
    "split": _method("split", _STRINGS, (STRING, STRING), (STRING, STRING, INT)),
    "substring": _method("substring", STRING, (STRING, INT), (STRING, INT, INT)),
    "trim": _method("trim", STRING, (STRING,)),
    "join": _method("join", STRING, (_STRINGS,), (_STRINGS, STRING)),
    "reverse": _method("reverse", STRING, (STRING,)),
    # Math
    "math.greatest": Function("greatest", (), is_charged=True, is_variadic=True),
    "math.least": Function("least", (), is_charged=True, is_variadic=True),
}


def generic_result(function: str, arguments: list[Type], result: Type) -> Type | None:
    """Return the type of a call that depends on its arguments' types, None where they can never fit."""
    match function, arguments:
        case (("optional.of" | "optional.ofNonZeroValue"), [value]):
            return optional_of(value)
        case "value", [Type(name="optional_type", parameters=(held,))]:
            return held
        case "orValue", [Type(name="optional_type", parameters=(held,)), other]:
            return join(held, other) if is_compatible(held, other) else None
        case "or", [one, other]:
            if not is_compatible(one, other):
                return None
            return join(one, other) if one.name == other.name else OPTIONAL
        case _:
            return result


def extreme_result(arguments: list[Type]) -> Type | None:
    """Return the type of `math.greatest()` and `math.least()`: arguments are numbers, or a single list of them."""
    if len(arguments) == 1 and arguments[0].name == "list":
        arguments = list(arguments[0].parameters)
    if not arguments or any(one not in (*_NUMBERS, DYN) for one in arguments):
        return None
    return arguments[0] if len(set(arguments)) == 1 else DYN
