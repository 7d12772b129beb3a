"""The types of CEL that the checker reasons with, and the class of the one value that JSON cannot make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class UInt(int):
    """A CEL `uint`: 0 to 2^64 - 1, kept apart from `int` by its class."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Type:
    """A CEL type; a list and an optional have one parameter (what they hold), a map two (key and value)."""

    name: str
    parameters: tuple[Type, ...] = ()

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(str(parameter) for parameter in self.parameters)})"


DYN = Type("dyn")
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
NULL = Type("null_type")
TIMESTAMP = Type("google.protobuf.Timestamp")
DURATION = Type("google.protobuf.Duration")
TYPE = Type("type")


_NULLABLE: Final = frozenset({TIMESTAMP.name, DURATION.name, "optional_type"})


def list_of(element: Type) -> Type:
    """Return the type of lists whose elements are `element`."""
    return Type("list", (element,))


def map_of(key: Type, value: Type) -> Type:
    """Return the type of maps from `key` to `value`."""
    return Type("map", (key, value))


def optional_of(held: Type) -> Type:
    """Return the type of optional values that hold `held`, if anything."""
    return Type("optional_type", (held,))


LIST = list_of(DYN)
MAP = map_of(STRING, DYN)
OPTIONAL = optional_of(DYN)


def is_compatible(one: Type, other: Type) -> bool:
    """Say whether a value of one type may turn out to be a value of the other.

    `dyn` may be anything; null may stand for a time or an optional, as for protobuf's messages.
    """
    if DYN in (one, other):
        return True
    if NULL in (one, other) and {one.name, other.name} & _NULLABLE:
        return True
    return (
        one.name == other.name
        and len(one.parameters) == len(other.parameters)
        and all(is_compatible(a, b) for a, b in zip(one.parameters, other.parameters, strict=True))
    )


def join(one: Type, other: Type) -> Type:
    """Return the narrowest type that holds the values of both: what a static type promises must always be true."""
    if one == other:
        return one
    if one.parameters and one.name == other.name and is_compatible(one, other):
        return Type(one.name, tuple(join(a, b) for a, b in zip(one.parameters, other.parameters, strict=True)))
    return DYN


TYPE_NAMES: Final = frozenset(
    {
        *(one.name for one in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, TIMESTAMP, DURATION, TYPE)),
        *("list", "map", "optional_type"),
    }
)
"""What an expression may compare `type()` with."""
