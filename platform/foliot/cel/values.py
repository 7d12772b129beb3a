"""The values of CEL that Python has no type for, and the names of all values' types.

Values are plain Python: int is CEL's int, float its double; bool, str, bytes, None, list and dict (or another Mapping)
are what they look like. The classes here are no ints, texts or tuples, which Python would take for equal to others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.kinds import UInt


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A CEL `timestamp`: nanoseconds since 1970 in UTC, from the year 1 to the year 9999."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A CEL `duration`: nanoseconds, in 64 bits."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class TypeValue:
    """What `type()` returns."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """A CEL `optional_type`: a value, or none."""

    value: Any = None
    is_present: bool = True

    def __getitem__(self, field: str) -> Optional:
        """Select a field of what it holds, as generated code does it of maps.

        Raises:
            EvaluationError: it holds something that has no fields.
        """
        return select_optional(self, field)


NONE: Final = Optional(is_present=False)

KIND_NAMES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    Optional: "optional_type",
    TypeValue: "type",
}
NUMBERS: Final = frozenset({"int", "uint", "double"})


def kind_of(value: Any) -> str:
    """Return the name of a value's CEL type."""
    kind = KIND_NAMES.get(type(value))
    if kind is not None:
        return kind
    return "map" if isinstance(value, Mapping) else type(value).__name__


def no_overload(operation: str, *operands: Any) -> EvaluationError:
    """Make the error of an operation that does not know its operands' types."""
    shown = ", ".join(kind_of(operand) for operand in operands)
    return EvaluationError("no_matching_overload", f"{operation} cannot take ({shown}).")


def select_optional(operand: Any, field: str) -> Optional:
    """`operand.?field`: none where a map lacks it, or where the operand is itself none."""
    if type(operand) is Optional:
        return select_optional(operand.value, field) if operand.is_present else operand
    if kind_of(operand) != "map":
        raise no_overload("A selection", operand)
    return Optional(operand[field]) if field in operand else NONE
