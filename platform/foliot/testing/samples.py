"""Values that stand for all others: the bounds of a schema, and the constants of a machine with their neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs
import orjson

from foliot.cel import CelError, Source, tokenize
from foliot.definition import JsonSchema, compile_schema
from foliot.testing.alternatives import alternatives, kinds_of
from foliot.testing.matching import matching

_SAMPLES_MAX: Final = 12
_PRODUCT_MAX: Final = 16
_DEPTH_MAX: Final = 8
_ITEMS_MAX: Final = 20
_WORDS: Final = ("a", "b")
_ABSENT: Final = object()
_AGAIN: Final = object()


@dataclass(frozen=True, slots=True)
class Constants:
    """The literals that expressions compare with, without repetition, in their order."""

    numbers: tuple[int | float, ...] = ()
    texts: tuple[str, ...] = ()


def constants_of(expressions: Iterable[str]) -> Constants:
    """Collect the literals of CEL expressions."""
    numbers: dict[int | float, None] = {}
    texts: dict[str, None] = {}
    for expression in expressions:
        try:
            tokens = tokenize(Source(expression))
        except CelError:
            continue
        for token in tokens:
            if token.kind != "literal":
                continue
            if isinstance(token.value, str):
                texts[token.value] = None
            elif isinstance(token.value, int | float) and not isinstance(token.value, bool):
                numbers[token.value] = None
    return Constants(tuple(numbers), tuple(texts))


def samples(schema: JsonSchema | None, constants: Constants, *, reads: Iterable[str] = ()) -> list[Any]:
    """Give some values that fit a schema, those at its bounds among them.

    `reads` are fields that expressions read: where the schema says nothing of one, it is there and is not.
    """
    maker = _Samples(constants, schema if isinstance(schema, dict) else {})
    if schema is None:
        fields = sorted(set(reads))
        any_object: dict[str, Any] = {"type": "object", "properties": {name: {} for name in fields}}
        return [None, *_first(maker.of(any_object, 0))] if fields else [None]
    validator = compile_schema(schema)
    return _first(value for value in maker.of(schema, 0) if _fits(validator, value))


def _fits(validator: jsonschema_rs.Draft202012Validator, value: Any) -> bool:
    return validator.is_valid(value)


def _first(values: Iterable[Any]) -> list[Any]:
    """Keep the first few different values; 1, 1.0 and true are different."""
    found: dict[bytes, Any] = {}
    for value in itertools.islice(values, 200):
        found.setdefault(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), value)
        if len(found) == _SAMPLES_MAX:
            break
    return list(found.values())


class _Samples:
    def __init__(self, constants: Constants, root: Mapping[str, Any]) -> None:
        self._constants = constants
        self._root = root

    def of(self, schema: Any, depth: int) -> Iterator[Any]:
        """Yield samples of a schema, the plainest first. Not all of them need to fit."""
        if not isinstance(schema, dict) or depth > _DEPTH_MAX:
            yield from (0, "a", None)
            return
        for each in alternatives(schema, self._root):
            if "const" in each:
                yield each["const"]
            elif "enum" in each:
                yield from each["enum"]
            else:
                yield from self._typed(each, depth)

    def _typed(self, schema: Mapping[str, Any], depth: int) -> Iterator[Any]:
        for kind in kinds_of(schema) or ("any",):
            match kind:
                case "integer":
                    yield from self._numbers(schema, whole=True)
                case "number":
                    yield from self._numbers(schema, whole=False)
                case "string":
                    yield from self._texts(schema)
                case "boolean":
                    yield from (True, False)
                case "null":
                    yield None
                case "array":
                    yield from self._lists(schema, depth)
                case "object":
                    yield from self._objects(schema, depth)
                case _:
                    yield from (*self._around(), True, *self._constants.texts, "a")

    def _around(self) -> Iterator[int | float]:
        yield 1
        for number in self._constants.numbers:
            yield from (number, number + 1, number - 1)
        yield 0

    def _numbers(self, schema: Mapping[str, Any], *, whole: bool) -> Iterator[int | float]:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        step = schema.get("multipleOf", 1)
        near = [low, None if low is None else low + step, high, None if high is None else high - step]
        if low is not None and "multipleOf" in schema:
            near += [-(-low // step) * step]
        for number in (*near, *self._around()):
            if number is not None and (not whole or float(number).is_integer()):
                yield int(number) if whole else number

    def _texts(self, schema: Mapping[str, Any]) -> Iterator[str]:
        shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            yield from matching(schema["pattern"], counts=(0, 1, shortest))
        for word in _WORDS:
            yield word * max(shortest, 1)
        yield from self._constants.texts
        yield ""
        if isinstance(longest, int) and longest <= 1_000:
            yield "a" * longest

    def _lists(self, schema: Mapping[str, Any], depth: int) -> Iterator[list[Any]]:
        fewest = schema.get("minItems", 0)
        first = [next(self.of(each, depth + 1), None) for each in schema.get("prefixItems", ())]
        items = _first(itertools.islice(self.of(schema.get("items", True), depth + 1), min(fewest, _ITEMS_MAX) + 2))
        if schema.get("uniqueItems") and len(items) <= fewest:
            is_text = items and isinstance(items[0], str)
            items += [f"a{number}" if is_text else number for number in range(2, min(fewest, _ITEMS_MAX) + 2)]
        for count in (fewest, fewest + 1):
            rest = range(count - len(first))
            yield [*first, *(items[number % len(items)] for number in rest)] if items else first

    def _objects(self, schema: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        """Yield all combinations where there are few; else each value of each property once, beside plain others."""
        needed = frozenset(schema.get("required", ()))
        choices: dict[str, list[Any]] = {}
        for name, below in schema.get("properties", {}).items():
            found = _first(self.of(below, depth + 1))
            choices[name] = found if name in needed else [*found[:1], _ABSENT, *found[1:]]
        for name in sorted(needed - choices.keys()):
            choices[name] = ["a"]
        for name, below in self._unnamed(schema, len(choices)):
            choices[name] = [*_first(self.of(below, depth + 1)), _ABSENT]
        plain = {name: values[0] for name, values in choices.items() if values}
        yield _present(plain)
        product = list(itertools.islice(itertools.product(*choices.values()), _PRODUCT_MAX + 1))
        if len(product) <= _PRODUCT_MAX:
            yield from (_present(dict(zip(choices, values, strict=True))) for values in product)
            return
        for values in itertools.zip_longest(*choices.values(), fillvalue=_AGAIN):
            yield _present(
                {name: plain[name] if value is _AGAIN else value for name, value in zip(choices, values, strict=True)}
            )
        for name, found in choices.items():
            yield from (_present({**plain, name: value}) for value in found[1:])

    def _unnamed(self, schema: Mapping[str, Any], count: int) -> Iterator[tuple[str, Any]]:
        """Name some more properties where the schema says of them what they are, or how many there are at least."""
        others = schema.get("additionalProperties", True)
        for pattern, below in schema.get("patternProperties", {}).items():
            yield from ((name, below) for name in matching(pattern, counts=(0,)))
        fewest = schema.get("minProperties", int(isinstance(others, dict) and not count))
        for number in range(min(fewest - count, _ITEMS_MAX)) if others is not False else ():
            yield f"name{number}" if number else "a", others


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not _ABSENT}
