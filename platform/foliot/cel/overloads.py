"""The signatures of CEL's functions and operators.

Source: CEL language definition, "List of Standard Definitions".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foliot.cel.kinds import BOOL, BYTES, DOUBLE, DYN, INT, LIST, STRING, UINT, Type, is_compatible, join, map_of

_ANY_MAP: Final = map_of(DYN, DYN)
_ORDERED: Final = (BOOL, INT, UINT, DOUBLE, STRING, BYTES)
_NUMBERS: Final = (INT, UINT, DOUBLE)
_ARITHMETIC: Final = {
    "+": (*_NUMBERS, STRING, BYTES, LIST),
    "-": _NUMBERS,
    "*": _NUMBERS,
    "/": _NUMBERS,
    "%": (INT, UINT),
}


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature; of a method the first parameter is what it is called on."""

    parameters: tuple[Type, ...]
    result: Type
    is_method: bool = False


def _converts(result: Type, *sources: Type) -> tuple[Overload, ...]:
    return tuple(Overload((source,), result) for source in sources)


FUNCTIONS: Final[dict[str, tuple[Overload, ...]]] = {
    "size": tuple(
        Overload((sized,), INT, is_method) for is_method in (False, True) for sized in (STRING, BYTES, LIST, _ANY_MAP)
    ),
    "contains": (Overload((STRING, STRING), BOOL, is_method=True),),
    "startsWith": (Overload((STRING, STRING), BOOL, is_method=True),),
    "endsWith": (Overload((STRING, STRING), BOOL, is_method=True),),
    "int": _converts(INT, INT, UINT, DOUBLE, STRING),
    "uint": _converts(UINT, INT, UINT, DOUBLE, STRING),
    "double": _converts(DOUBLE, INT, UINT, DOUBLE, STRING),
    "string": _converts(STRING, BOOL, INT, UINT, DOUBLE, STRING, BYTES),
    "bytes": _converts(BYTES, BYTES, STRING),
    "bool": _converts(BOOL, BOOL, STRING),
    "dyn": (Overload((DYN,), DYN),),
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
