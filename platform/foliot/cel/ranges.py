"""What a value may be, as far as it is known: intervals of numbers, sets of texts and truth values, and kinds.

Source: P. Cousot, R. Cousot, "Abstract interpretation: a unified lattice model", POPL (1977).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from foliot.cel.json_schemas import conjuncts, types_of

_INFINITE: Final = math.inf
# Beyond this, not every integer is a double, and a sum may be rounded past its bound.
EXACT_MAX: Final = 2**53


class Interval(NamedTuple):
    """Numbers from `low` to `high`; a bound that is open does not belong to it."""

    low: float = -_INFINITE
    high: float = _INFINITE
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether no number is in it."""
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def meet(self, other: Interval) -> Interval:
        """Return what is in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not closed)

    def whole(self) -> Interval:
        """Return the least interval that has the same integers."""
        low, high = self.low, self.high
        if math.isfinite(low):
            low = math.floor(low) + 1 if self.low_open else math.ceil(low)
        if math.isfinite(high):
            high = math.ceil(high) - 1 if self.high_open else math.floor(high)
        return Interval(low, high)


@dataclass(frozen=True, slots=True)
class Range:
    """The values that something may have: the union of what is said of each kind.

    `numbers` are intervals, `is_whole` says that only their integers count; `texts` is None for any text. `missing`
    says that there may be no value at all. `other` stands for lists, bytes, times and whatever else there is.
    """

    booleans: frozenset[bool] = frozenset()
    numbers: tuple[Interval, ...] = ()
    texts: frozenset[str] | None = frozenset()
    null: bool = False
    maps: bool = False
    other: bool = False
    is_whole: bool = False
    missing: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether there is no such value."""
        return not (self.booleans or self.numbers or self.texts is None or self.texts or self.odd)

    @property
    def odd(self) -> bool:
        """Say whether it may be what is neither number, text nor truth value."""
        return self.null or self.maps or self.other

    @property
    def is_number(self) -> bool:
        """Say whether it is a number for certain, if it is anything."""
        return not (self.booleans or self.texts is None or self.texts or self.odd)

    @property
    def is_text(self) -> bool:
        """Say whether it is a text for certain, if it is anything."""
        return not (self.booleans or self.numbers or self.odd)

    @property
    def is_boolean(self) -> bool:
        """Say whether it is a truth value for certain, if it is anything."""
        return not (self.numbers or self.texts is None or self.texts or self.odd)

    @property
    def is_map(self) -> bool:
        """Say whether it is a map for certain, if it is anything."""
        return self.maps and not (
            self.booleans or self.numbers or self.texts is None or self.texts or self.null or self.other
        )

    def present(self) -> Range:
        """Return the same values, one of which is there."""
        return replace(self, missing=False) if self.missing else self

    def meet(self, other: Range) -> Range:
        """Return the values of both."""
        whole = self.is_whole or other.is_whole
        found = (one.meet(two) for one in self.numbers for two in other.numbers)
        return Range(
            self.booleans & other.booleans,
            _numbers(found, whole=whole),
            _common(self.texts, other.texts),
            self.null and other.null,
            self.maps and other.maps,
            self.other and other.other,
            is_whole=whole,
            missing=self.missing and other.missing,
        )

    def join(self, other: Range) -> Range:
        """Return the values of either."""
        texts = None if self.texts is None or other.texts is None else self.texts | other.texts
        return Range(
            self.booleans | other.booleans,
            (*self.numbers, *other.numbers),
            texts,
            self.null or other.null,
            self.maps or other.maps,
            self.other or other.other,
            is_whole=(self.is_whole or not self.numbers) and (other.is_whole or not other.numbers),
            missing=self.missing or other.missing,
        )

    def without(self, only: Range) -> Range:
        """Return all values but one, where `only` has just one."""
        value = only.constant
        if value is None:
            return self
        kind, what = value
        match kind:
            case "null":
                return replace(self, null=False)
            case "bool":
                return replace(self, booleans=self.booleans - {what})
            case "text":
                return self if self.texts is None else replace(self, texts=self.texts - {what})
            case _:
                around = (Interval(high=what, high_open=True), Interval(low=what, low_open=True))
                found = (one.meet(side) for one in self.numbers for side in around)
                return replace(self, numbers=_numbers(found, whole=self.is_whole))

    @property
    def constant(self) -> tuple[str, Any] | None:
        """Kind and value where there is just one value; None where there are several, or none."""
        single: list[tuple[str, Any]] = [("bool", value) for value in self.booleans]
        single += [("number", one.low) if one.low == one.high else ("", None) for one in self.numbers]
        single += [("", None)] if self.texts is None else [("text", value) for value in self.texts]
        single += [("null", None)] if self.null else []
        if self.maps or self.other or len(single) != 1 or not single[0][0]:
            return None
        return single[0]

    def bounded(self, interval: Interval) -> Range:
        """Return the same but for numbers, which are those of the interval."""
        found = (one.meet(interval) for one in self.numbers)
        return replace(self, numbers=_numbers(found, whole=self.is_whole))

    @property
    def hull(self) -> Interval:
        """The least interval that has all its numbers, of which there must be some."""
        low, low_open = min((one.low, one.low_open) for one in self.numbers)
        high, closed = max((one.high, not one.high_open) for one in self.numbers)
        return Interval(low, high, low_open, not closed)


_ALL_NUMBERS: Final = (Interval(),)
BOOLEAN: Final = Range(frozenset((True, False)))
NUMBER: Final = Range(numbers=_ALL_NUMBERS)
WHOLE: Final = Range(numbers=_ALL_NUMBERS, is_whole=True)
TEXT: Final = Range(texts=None)
SOMETHING: Final = Range(BOOLEAN.booleans, _ALL_NUMBERS, None, null=True, maps=True, other=True)
# References may double at each step.
_PATHS_MAX: Final = 4_096
ANYTHING: Final = replace(SOMETHING, missing=True)
Facts: TypeAlias = Mapping[str, Range]
"""What is known of the values at dotted paths such as `event.data.amount`; of others nothing is."""


def just(value: Any) -> Range:
    """Return the range of one value, as far as ranges tell it from others."""
    match value:
        case None:
            return Range(null=True)
        case bool():
            return Range(frozenset((value,)))
        case int() | float():
            return Range(numbers=(Interval(value, value),), is_whole=float(value).is_integer())
        case str():
            return Range(texts=frozenset((value,)))
        case Mapping():
            return Range(maps=True)
        case _:
            return Range(other=True)


def schema_ranges(path: str, schema: Any) -> Iterator[tuple[str, Range]]:
    """Give the dotted paths, from `path` on, of which a JSON Schema says something, with what they may be.

    Only `type`, `enum`, `const`, bounds of numbers, `properties`, `required`, `allOf` and local references are looked
    at, for `_PATHS_MAX` paths at most; what else the schema says can only narrow values further. Names with a dot have
    no path.
    """
    yield from islice(_ranges(path, schema, schema, frozenset(), missing=False), _PATHS_MAX)


def _ranges(path: str, schema: Any, root: Any, above: frozenset[int], *, missing: bool) -> Iterator[tuple[str, Range]]:
    parts = [part for part in conjuncts(schema, root) if isinstance(part, Mapping)]
    here = {id(part) for part in parts}
    if not parts or not here.isdisjoint(above):
        return
    found = reduce(Range.meet, map(_range_of, parts))
    yield path, replace(found, missing=missing)
    needed = _required(parts) if found.is_map else set()
    for name, below in _properties(parts).items():
        is_missing = missing or name not in needed
        yield from _ranges(f"{path}.{name}", below, root, above | here, missing=is_missing)


def _properties(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        properties = part.get("properties")
        for name, schema in properties.items() if isinstance(properties, Mapping) else ():
            if "." not in name:
                found[name] = {"allOf": [found[name], schema]} if name in found else schema
    return found


def _required(parts: Iterable[Mapping[str, Any]]) -> set[str]:
    lists = (part.get("required") for part in parts)
    return {name for names in lists if isinstance(names, list) for name in names}


_BY_TYPE: Final[Mapping[str, Range]] = {
    "boolean": BOOLEAN,
    "integer": WHOLE,
    "number": NUMBER,
    "string": TEXT,
    "null": Range(null=True),
    "object": Range(maps=True),
    "array": Range(other=True),
}
_BOUNDS: Final = (
    ("minimum", True, False),
    ("exclusiveMinimum", True, True),
    ("maximum", False, False),
    ("exclusiveMaximum", False, True),
)


def _range_of(schema: Mapping[str, Any]) -> Range:
    if "const" in schema:
        return just(schema["const"])
    if isinstance(schema.get("enum"), list):
        return reduce(Range.join, map(just, schema["enum"]), Range())
    types = types_of(schema)
    found = reduce(Range.join, (_BY_TYPE.get(each, SOMETHING) for each in types), Range()) if types else SOMETHING
    return found.bounded(_bounds(schema))


def _bounds(schema: Mapping[str, Any]) -> Interval:
    found = Interval()
    for name, is_low, is_open in _BOUNDS:
        bound = schema.get(name)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            side = Interval(low=bound, low_open=is_open) if is_low else Interval(high=bound, high_open=is_open)
            found = found.meet(side)
    return found


def _numbers(intervals: Iterable[Interval], *, whole: bool) -> tuple[Interval, ...]:
    kept = (one.whole() if whole else one for one in intervals)
    return tuple(dict.fromkeys(one for one in kept if not one.is_empty))


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None:
        return other
    return one if other is None else one & other
