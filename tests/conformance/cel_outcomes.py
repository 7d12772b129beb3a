"""What Foliot's CEL and Google's give for the same expression and the same values, in one form to compare."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from foliot.cel import (
    BOOL,
    DIGEST,
    DOUBLE,
    DYN,
    IN_STATE,
    INT,
    MAP,
    STRING,
    CelError,
    Duration,
    Environment,
    EvaluationError,
    Timestamp,
    TypeValue,
    UInt,
    compile_expression,
    list_of,
)
from foliot.cel.times import to_duration, to_timestamp

google: Any = pytest.importorskip(
    "cel_expr_python.cel", reason="cel-expr-python, Google's CEL, has no wheel for this Python: NOTHING WAS COMPARED"
)
EXTENSIONS = [
    pytest.importorskip(f"cel_expr_python.ext.ext_{name}").__dict__[f"Ext{name.capitalize()}"]
    for name in ("optional", "strings", "math")
]

# ("error", its class) or (kind, value), lists and maps with the outcomes of what they hold.
Outcome = tuple[str, Any]

ENVIRONMENT = Environment(
    {"a": DYN, "m": MAP, "i": INT, "s": STRING, "d": DOUBLE, "b": BOOL, "l": list_of(INT)}, (IN_STATE, DIGEST)
)
# What Google's errors say, and what Foliot calls it; the first that is found counts.
_CLASSES = (
    (r"ERROR: <input>", "refused"),
    (r"divide by zero|modulus by zero", "division_by_zero"),
    (r"duplicate key|ALREADY_EXISTS", "duplicate_key"),
    (r"[Kk]ey not found", "no_such_field"),
    (r"optional.none\(\) dereference", "no_value"),
    (r"Index error|index out of range|is less than 0|is greater than", "index_out_of_range"),
    (r"OUT_OF_RANGE|overflow|above maximum|below minimum", "overflow"),
    (r"[Nn]o matching overload|non-message type|Unsupported|must be numeric|expected", "no_matching_overload"),
    (r"[Cc]onver|[Ii]nvalid|malformed|must not be empty|UTF-8|<end> is less than", "invalid_argument"),
)
_SAME = {
    "no_such_key": "no_such_field",
    "integer_overflow": "overflow",
    "out_of_range": "overflow",
}


def in_state(path: str) -> bool:
    return path.startswith("a")


def reference_digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@cache
def google_environment() -> Any:
    kinds = google.Type
    functions = [
        google.FunctionDecl("inState", [google.Overload("in_state", kinds.BOOL, [kinds.STRING], impl=in_state)]),
        google.FunctionDecl("digest", [google.Overload("digest", kinds.STRING, [kinds.STRING], impl=reference_digest)]),
    ]
    variables = {
        "a": kinds.DYN,
        "m": kinds.Map(kinds.STRING, kinds.DYN),
        "i": kinds.INT,
        "s": kinds.STRING,
        "d": kinds.DOUBLE,
        "b": kinds.BOOL,
        "l": kinds.List(kinds.INT),
    }
    return google.NewEnv(variables=variables, functions=functions, extensions=[make() for make in EXTENSIONS])


def google_outcome(source: str, values: Mapping[str, Any], environment: Any = None) -> Outcome:
    try:
        value = (environment or google_environment()).compile(source).eval(data=dict(values))
    except RuntimeError as error:
        return _google_error(str(error))
    return google_value(value)


def _google_error(text: str) -> Outcome:
    return "error", next((name for pattern, name in _CLASSES if re.search(pattern, text)), f"other: {text[:80]}")


def google_value(value: Any) -> Outcome:  # noqa: PLR0911 (one for each kind)
    kind = value.type().name().lower().split("<")[0].split("(")[0]
    match kind:
        case "error":
            text = str(value)
            return ("optional", "") if text.startswith("optional.") else _google_error(text)
        case "null" | "null_type":
            # Asking for the plain value of a null loses a reference to None, until the interpreter dies of it.
            return scalar_outcome(None, is_uint=False)
        case "list":
            return "list", [google_value(element) for element in value.value()]
        case "map":
            return "map", sorted((repr(key), google_value(found)) for key, found in value.value().items())
        case "timestamp":
            year, rest = str(value).split("-", 1)
            return "timestamp", to_timestamp(f"{int(year):04}-{rest}").nanoseconds
        case "duration":
            return "duration", to_duration(str(value)).nanoseconds
        case "type":
            return "type", str(value).split("<")[0]
        case _:
            return scalar_outcome(value.plain_value(), is_uint=kind == "uint")


def foliot_outcome(source: str, values: Mapping[str, Any]) -> Outcome:
    try:
        return foliot_value(compile_expression(source, ENVIRONMENT).evaluate(*values.values(), in_state))
    except EvaluationError as error:
        return "error", _SAME.get(error.reason, error.reason)
    except CelError:
        return "error", "refused"


def foliot_value(value: Any) -> Outcome:
    match value:
        case list():
            return "list", [foliot_value(element) for element in value]
        case dict():
            return "map", sorted((repr(key), foliot_value(found)) for key, found in value.items())
        case Timestamp():
            return "timestamp", value.nanoseconds
        case Duration():
            return "duration", value.nanoseconds
        case TypeValue():
            return "type", value.name
        case _:
            return scalar_outcome(value, is_uint=isinstance(value, UInt))


def scalar_outcome(value: Any, *, is_uint: bool) -> Outcome:
    if is_uint:
        return "uint", int(value)
    if isinstance(value, (bytes, bytearray)):
        return "bytes", bytes(value)
    if isinstance(value, float) and math.isnan(value):
        return "double", "NaN"
    return type(value).__name__, repr(value)


def is_same(one: Outcome, other: Outcome) -> bool:
    """Say whether both have the same value, or both none; which of several errors is told is left open by CEL."""
    return one == other or one[0] == other[0] == "error"
