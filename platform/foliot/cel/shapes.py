"""What values may be by the JSON Schemas that they meet: kinds, constants, fields and elements.

A shape may hold too much, never too little: what a schema says beyond it can only narrow the values further. It is for
findings before anything runs. No generated code stands on it, since a context may come to break its schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, Final, TypeAlias

from foliot.cel.json_schemas import conjuncts, types_of
from foliot.cel.values import KIND_NAMES, kind_of

# What lies deeper, or beyond so many reads, counts as anything: recursive schemas have no end of their own.
_DEPTH_MAX: Final = 12
_READS_MAX: Final = 50_000
# Of shapes that are put together; beyond it no fields are.
_COMBINED_DEPTH_MAX: Final = 2
_COMBINED_FIELDS_MAX: Final = 256
_ALTERNATIVES_MAX: Final = 32
_CATEGORIES: Final[Mapping[str, str]] = {
    **{kind: kind for kind in KIND_NAMES.values()},
    **dict.fromkeys(("int", "uint", "double"), "number"),
}
_SCALARS: Final = frozenset({"bool", "number", "string", "null_type"})
_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": ("bool",),
    # To JSON Schema 1.0 is an integer, and 1 a number.
    "integer": ("int", "double"),
    "number": ("int", "double"),
    "string": ("string",),
    "null": ("null_type",),
    "array": ("list",),
    "object": ("map",),
}
_SHOWN: Final[Mapping[str, str]] = {"null_type": "null"}
_SHOWN_MAX: Final = 8
_STRUCTURAL: Final = frozenset({"properties", "additionalProperties", "unevaluatedProperties", "items"})
# Keywords that let `unevaluatedProperties` speak of names in another place than `properties`.
_INDIRECT: Final = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas")

Constants: TypeAlias = frozenset[tuple[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The values that something may have: of one of `kinds`, which are names of CEL's types. No kinds: no value.

    `constants` are the only scalars of JSON among them, each with its category, or None for any. `fields` and `rest`
    tell what maps hold under these names and under all others, `element` what lists hold; None is anything. Any field
    may be missing.
    """

    kinds: frozenset[str]
    constants: Constants | None = None
    fields: Mapping[str, Shape] = field(default_factory=dict)
    rest: Shape | None = None
    element: Shape | None = None

    def __str__(self) -> str:
        if self.kinds >= JSON_KINDS:
            return "dyn"
        if self.kinds >= {"int", "double"}:
            shown = ["number", *sorted(self.kinds - {"int", "double"})]
        else:
            shown = sorted(self.kinds)
        return " or ".join(_SHOWN.get(kind, kind) for kind in shown)

    @property
    def described(self) -> str:
        """The shape in words: by its values, where these are few."""
        if self.constants is not None and self.is_scalar and len(self.constants) <= _SHOWN_MAX:
            return " or ".join(sorted(_literal(value) for _, value in self.constants))
        return f"a {self}"

    @property
    def is_scalar(self) -> bool:
        """Say whether it has values, none of which are lists, maps or other than JSON's."""
        return not self.is_empty and self.categories <= _SCALARS

    @property
    def is_empty(self) -> bool:
        """Say whether there is no such value."""
        return not self.kinds

    @property
    def categories(self) -> frozenset[str]:
        """The kinds, with those of numbers as one."""
        return frozenset(_CATEGORIES[kind] for kind in self.kinds)

    @property
    def is_plain(self) -> bool:
        """Say whether it says nothing of what maps and lists hold."""
        return not self.fields and self.rest is None and self.element is None

    def may_be(self, *kinds: str) -> bool:
        """Say whether it may have one of these kinds."""
        return not self.kinds.isdisjoint(kinds)

    def of_field(self, name: str) -> Shape:
        """Return what a map of this shape may hold under a name."""
        found = self.fields.get(name, self.rest)
        return ANY if found is None else found

    def of_element(self) -> Shape:
        """Return what a list of this shape may hold."""
        return ANY if self.element is None else self.element


JSON_KINDS: Final = frozenset({"bool", "double", "int", "list", "map", "null_type", "string"})
ANY: Final = Shape(frozenset(KIND_NAMES.values()))
JSON: Final = Shape(JSON_KINDS)
NEVER: Final = Shape(frozenset())
MAPS: Final = Shape(frozenset({"map"}))


def shape_of_kinds(*kinds: str) -> Shape:
    """Return the shape of all values of some kinds."""
    return Shape(frozenset(kinds))


def shape_of_value(value: Any) -> Shape:
    """Return the shape of one value, as far as shapes tell it from others."""
    kind = kind_of(value)
    category = _CATEGORIES[kind]
    return Shape(frozenset((kind,)), frozenset(((category, value),)) if category in _SCALARS else None)


def shape_of_schema(schema: object) -> Shape:
    """Read a JSON Schema."""
    return _Reader(schema).read(schema, 0)


def join(one: Shape, other: Shape) -> Shape:
    """Return the values of either."""
    return _joined(one, other, 0)


def meet(one: Shape, other: Shape) -> Shape:
    """Return the values of both."""
    return _met(one, other, 0)


def are_apart(one: Shape, other: Shape) -> bool:
    """Say whether no value of one equals one of the other; numbers are equal by value. True is a proof."""
    common = one.categories & other.categories
    if one.constants is None or other.constants is None:
        return not common
    return common <= _SCALARS and all(category not in common for category, _ in one.constants & other.constants)


def _joined(one: Shape, other: Shape, depth: int) -> Shape:
    if one is other or other.is_empty:
        return one
    if one.is_empty:
        return other
    known = [each.constants for each in (one, other) if each.categories & _SCALARS]
    constants = None if None in known else frozenset(pair for each in known for pair in each or ())
    found = Shape(one.kinds | other.kinds, constants)
    if _is_far(one, other, depth):
        return found
    lists = [each.element for each in (one, other) if each.may_be("list")]
    maps = [each for each in (one, other) if each.may_be("map")]
    if lists:
        found = replace(found, element=_combined(lists, _joined, depth))
    if len(maps) == 1:
        return replace(found, fields=maps[0].fields, rest=maps[0].rest)
    return _with_fields(found, one, other, _joined, depth) if maps else found


def _met(one: Shape, other: Shape, depth: int) -> Shape:
    if one is other or other is JSON or other is ANY:
        return one
    if one is JSON or one is ANY:
        return other
    constants = one.constants if other.constants is None else other.constants
    if one.constants is not None and other.constants is not None:
        constants = one.constants & other.constants
    kinds = one.kinds & other.kinds
    if constants is not None:
        left = {category for category, _ in constants}
        kinds = frozenset(kind for kind in kinds if _CATEGORIES[kind] not in _SCALARS - left)
    told = other if one.is_plain else one
    found = Shape(kinds, constants, told.fields, told.rest, told.element)
    if one.is_plain or other.is_plain or _is_far(one, other, depth):
        return found
    found = replace(found, element=_combined([one.element, other.element], _met, depth))
    return _with_fields(found, one, other, _met, depth)


def _is_far(one: Shape, other: Shape, depth: int) -> bool:
    return depth == _COMBINED_DEPTH_MAX or len(one.fields) + len(other.fields) > _COMBINED_FIELDS_MAX


_Combine: TypeAlias = Callable[[Shape, Shape, int], Shape]


def _with_fields(found: Shape, one: Shape, other: Shape, combine: _Combine, depth: int) -> Shape:
    fields = {
        name: combine(one.of_field(name), other.of_field(name), depth + 1)
        for name in dict.fromkeys((*one.fields, *other.fields))
    }
    return replace(found, fields=fields, rest=_combined([one.rest, other.rest], combine, depth))


def _combined(shapes: list[Shape | None], combine: _Combine, depth: int) -> Shape:
    return reduce(lambda one, other: combine(one, other, depth + 1), (ANY if each is None else each for each in shapes))


class _Reader:
    """Reads one schema. Each part is read once for each depth at which it stands."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._reads_left = _READS_MAX
        self._known: dict[tuple[int, int], Shape] = {}

    def read(self, schema: object, depth: int) -> Shape:
        """Return the shape of what fits a schema and all that it refers to."""
        self._reads_left -= 1
        if depth > _DEPTH_MAX or self._reads_left < 0:
            return JSON
        return reduce(meet, (self._part(part, depth) for part in conjuncts(schema, self._root)), JSON)

    def _part(self, schema: Mapping[str, Any] | bool, depth: int) -> Shape:  # noqa: FBT001 - a schema may be one
        if not isinstance(schema, Mapping):
            return JSON if schema else NEVER
        key = (id(schema), depth)
        if key not in self._known:
            shapes = [_of_values(schema), _of_types(types_of(schema)), self._structure(schema, depth)]
            shapes += [self._either(schema.get(name), depth) for name in ("anyOf", "oneOf")]
            self._known[key] = reduce(meet, shapes)
        return self._known[key]

    def _structure(self, schema: Mapping[str, Any], depth: int) -> Shape:
        """Read what maps and lists hold."""
        if _STRUCTURAL.isdisjoint(schema):
            return JSON
        properties = schema.get("properties")
        items = schema.get("items")
        fields = properties if isinstance(properties, Mapping) else {}
        return Shape(
            JSON_KINDS,
            fields={name: self.read(inner, depth + 1) for name, inner in fields.items()},
            rest=self._rest(schema, depth),
            element=None if items is None or "prefixItems" in schema else self.read(items, depth + 1),
        )

    def _rest(self, schema: Mapping[str, Any], depth: int) -> Shape | None:
        if "patternProperties" in schema:
            return None
        if "additionalProperties" in schema:
            return self.read(schema["additionalProperties"], depth + 1)
        if "unevaluatedProperties" in schema and not any(name in schema for name in _INDIRECT):
            return self.read(schema["unevaluatedProperties"], depth + 1)
        return None

    def _either(self, schemas: object, depth: int) -> Shape:
        if not isinstance(schemas, list) or len(schemas) > _ALTERNATIVES_MAX:
            return JSON
        return reduce(join, (self.read(schema, depth + 1) for schema in schemas), NEVER)


def _of_values(schema: Mapping[str, Any]) -> Shape:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list):
        return JSON
    return reduce(join, map(_of_constant, values), NEVER)


def _of_constant(value: Any) -> Shape:
    found = shape_of_value(value)
    # To JSON Schema 1 and 1.0 are the same.
    return replace(found, kinds=frozenset(_BY_TYPE["number"])) if found.may_be("int", "double") else found


def _of_types(types: Iterable[str]) -> Shape:
    kinds = [kind for name in types for kind in _BY_TYPE.get(name, JSON_KINDS)]
    return shape_of_kinds(*kinds) if kinds else JSON


def _literal(value: Any) -> str:
    return (
        {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else repr(value)
    )
