"""How much a value can hold: what a bound of an expression's cost is counted from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from foliot.cel.json_schemas import types_of


@dataclass(frozen=True, slots=True)
class Weight:
    """What a value holds at most, on all levels together: elements of lists and maps, and code points or bytes."""

    elements: int = 0
    characters: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.elements + other.elements, self.characters + other.characters)

    def __mul__(self, count: int) -> Weight:
        return Weight(self.elements * count, self.characters * count)

    def __or__(self, other: Weight) -> Weight:
        """Return what is enough for either."""
        return Weight(max(self.elements, other.elements), max(self.characters, other.characters))


SCALAR: Final = Weight()
# A MiB of JSON: an element takes two bytes of it at least.
INPUT_WEIGHT: Final = Weight(512 * 1024, 1024 * 1024)
_FLAT: Final = frozenset({"boolean", "integer", "null", "number"})


def schema_weights(path: str, schema: Any) -> Iterator[tuple[str, Weight]]:
    """Give the dotted paths, from `path` on, whose values a JSON Schema bounds, with their weights.

    A path with `[]` behind it is that of any element.

    Only `type`, `enum`, `const`, `maxLength`, `maxItems`, `items`, `properties` and `additionalProperties: false` are
    looked at; what else the schema says can only bound values further.
    """
    if not isinstance(schema, Mapping):
        return
    bound = _weight(schema)
    if bound is not None:
        yield path, bound
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, inner in properties.items():
            yield from schema_weights(f"{path}.{name}", inner)
    yield from schema_weights(f"{path}[]", schema.get("items"))


def value_weight(value: Any) -> Weight:
    """Weigh a JSON value."""
    match value:
        case str():
            return Weight(0, len(value))
        case list():
            return sum(map(value_weight, value), Weight(len(value)))
        case dict():
            names = Weight(len(value), sum(map(len, value)))
            return sum(map(value_weight, value.values()), names)
        case _:
            return SCALAR


def _weight(schema: Any) -> Weight | None:
    """Weigh the heaviest value that the schema allows; None where it sets no bound."""
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return value_weight(schema["const"])
    if isinstance(schema.get("enum"), list):
        return _heaviest([value_weight(value) for value in schema["enum"]])
    types = types_of(schema)
    return _heaviest([_weight_of_type(each, schema) for each in types]) if types else None


def _heaviest(weights: list[Weight] | list[Weight | None]) -> Weight | None:
    heaviest = SCALAR
    for weight in weights:
        if weight is None:
            return None
        heaviest |= weight
    return heaviest


def _weight_of_type(type_: str, schema: Mapping[str, Any]) -> Weight | None:
    match type_:
        case "string" if isinstance(schema.get("maxLength"), int):
            return Weight(0, schema["maxLength"])
        case "array" if isinstance(schema.get("maxItems"), int):
            inner = _weight(schema.get("items"))
            return None if inner is None else (inner + Weight(1)) * schema["maxItems"]
        case "object" if schema.get("additionalProperties") is False and "patternProperties" not in schema:
            return _weight_of_properties(schema.get("properties", {}))
        case _ if type_ in _FLAT:
            return SCALAR
        case _:
            return None


def _weight_of_properties(properties: Any) -> Weight | None:
    if not isinstance(properties, Mapping):
        return None
    total = SCALAR
    for name, inner in properties.items():
        weight = _weight(inner)
        if weight is None:
            return None
        total += weight + Weight(1, len(name))
    return total
