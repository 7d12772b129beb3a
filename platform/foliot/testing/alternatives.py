"""What a JSON Schema asks for, as plain mappings: references, `allOf`, `anyOf`, `oneOf` and `if` are worked in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from foliot.cel import conjuncts, types_of


def _common(one: str | list[str], other: str | list[str]) -> list[str]:
    ours, theirs = (types_of({"type": each}) for each in (one, other))
    both = [each for each in ours if each in theirs or (each == "integer" and "number" in theirs)]
    return both + ["integer"] * ("number" in ours and "integer" in theirs and "integer" not in both)


_ALTERNATIVES_MAX: Final = 16
_DEPTH_MAX: Final = 8
_NARROWER: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "properties": lambda one, other: {
        **one,
        **{name: {"allOf": [one[name], each]} if name in one else each for name, each in other.items()},
    },
    "required": lambda one, other: [*one, *(name for name in other if name not in one)],
    "enum": lambda one, other: [each for each in one if each in other] or one,
    "type": _common,
}
_OBJECTS: Final = {"properties", "required", "additionalProperties", "minProperties", "patternProperties"}
_LISTS: Final = {"items", "prefixItems", "minItems", "uniqueItems", "contains"}
_WORKED_IN: Final = {"$ref", "$id", "allOf"}


def alternatives(schema: Any, root: Any) -> tuple[Mapping[str, Any], ...]:
    """Give the ways to fit a schema, one mapping each. What fits the schema fits one; the other way round, mostly."""
    return tuple(islice(_alternatives(schema, root, 0), _ALTERNATIVES_MAX))


def kinds_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the types that a schema names, or speaks of; none where it may be any."""
    if "type" in schema:
        return types_of(schema)
    if not _OBJECTS.isdisjoint(schema):
        return ("object",)
    if not _LISTS.isdisjoint(schema):
        return ("array",)
    return ("string",) if "pattern" in schema else ()


def _alternatives(schema: Any, root: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    parts = list(conjuncts(schema, root))
    if False in parts:
        return
    found = _merged(part for part in parts if isinstance(part, Mapping))
    branches = found.pop("anyOf", None) or found.pop("oneOf", None)
    if "if" in found:
        chosen = {"allOf": [found.pop("if"), found.pop("then", True)]}
        branches = [{"allOf": [{"anyOf": branches}, each]} if branches else each for each in (chosen, {})]
    if not branches or depth == _DEPTH_MAX:
        yield found
        return
    for branch in branches:
        yield from _alternatives({"allOf": [found, branch]}, root, depth + 1)


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        for word, said in part.items():
            if word not in found:
                found[word] = said
            elif word in _NARROWER:
                found[word] = _NARROWER[word](found[word], said)
    return {word: said for word, said in found.items() if word not in _WORKED_IN}
