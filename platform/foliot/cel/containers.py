"""Lists and maps: fields, elements, sizes, loops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from foliot.cel.failures import EvaluationError
from foliot.cel.metering import Meter
from foliot.cel.values import NONE, NUMBERS, Optional, kind_of, no_overload

MISSING: Final = object()


def look_up(mapping: Mapping[Any, Any], key: Any) -> Any:
    """Return the value of a key, or `MISSING`. Numbers are found by value, whatever their type."""
    if type(key) is str:
        return mapping.get(key, MISSING)
    kind = kind_of(key)
    if kind not in NUMBERS and kind != "bool":
        raise EvaluationError("no_matching_overload", f"A map has no keys of type {kind}.")
    found = mapping.get(key, MISSING)
    if found is MISSING or key not in (0, 1):
        return found
    # Only here can Python take a bool for a number. Maps with such keys come out of short literals.
    stored = next(one for one in mapping if one == key)
    return found if (type(stored) is bool) == (kind == "bool") else MISSING


def has_field(value: Any, field: str) -> bool:
    """`has(value.field)`."""
    if type(value) is Optional:
        return value.is_present and has_field(value.value, field)
    if kind_of(value) != "map":
        raise no_overload("has()", value)
    return field in value


def index(container: Any, key: Any) -> Any:
    """`container[key]`; of an optional it is `container[?key]`."""
    match kind_of(container):
        case "list":
            if kind_of(key) not in NUMBERS or key != key or key in (math.inf, -math.inf) or key != int(key):  # noqa: PLR0124 (NaN)
                raise no_overload("[]", container, key)
            if not 0 <= key < len(container):
                raise EvaluationError("index_out_of_range", f"There is no index {key} in {len(container)} elements.")
            return container[int(key)]
        case "map":
            found = look_up(container, key)
            if found is MISSING:
                raise EvaluationError("no_such_key", f"The map has no key {key!r}.")
            return found
        case "optional_type":
            return index_optional(container, key)
        case _:
            raise no_overload("[]", container, key)


def index_optional(container: Any, key: Any) -> Optional:
    """`container[?key]`: none where there is no such element, or where the container is itself none."""
    match kind_of(container):
        case "optional_type":
            return index_optional(container.value, key) if container.is_present else NONE
        case "list" if kind_of(key) in ("int", "uint"):
            return Optional(container[key]) if 0 <= key < len(container) else NONE
        case "map":
            found = look_up(container, key)
            return NONE if found is MISSING else Optional(found)
        case _:
            raise no_overload("[?]", container, key)


def iterate(value: Any, meter: Meter | None, weight: int) -> Any:
    """Return what a macro loops over: a list's elements, or a map's keys in a fixed order. A turn costs `weight`."""
    kind = kind_of(value)
    if kind not in ("list", "map"):
        raise no_overload("A macro", value)
    # The whole range is charged before the first turn, so that the cost does not depend on where a loop ends.
    if meter is not None:
        meter.charge(len(value) * weight)
    if kind == "list":
        return value
    return sorted(value, key=lambda key: (isinstance(key, str), isinstance(key, bool), key))


def size(value: Any) -> int:
    """Count code points, bytes, elements or entries."""
    if kind_of(value) not in ("string", "bytes", "list", "map"):
        raise no_overload("size()", value)
    return len(value)
