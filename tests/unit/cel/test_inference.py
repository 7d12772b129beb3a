"""What is inferred from schemas holds for all data that meet them: it may say too little, never too much."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest
from conformance.cel_expressions import ExpressionMaker
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foliot.cel import (
    DIGEST,
    DYN,
    FAIL,
    IN_STATE,
    MAP,
    MAPS,
    CelError,
    Environment,
    EvaluationError,
    Inferred,
    Shape,
    compile_expression,
    infer,
    meet,
    shape_of_schema,
)
from foliot.cel.shapes import are_apart, join
from foliot.cel.values import kind_of
from foliot.definition import compile_schema
from foliot.testing.samples import Constants, samples

# `context` has two other names, since the maker knows it by these; what the others hold is not told.
OTHERS: Final = {"i": 1, "s": "a", "d": 2.5, "b": True, "l": [1, "a", 2.5]}
NAMED: Final = ("context", "a", "m")
ENVIRONMENT: Final = Environment({**dict.fromkeys(NAMED, MAP), **dict.fromkeys(OTHERS, DYN)}, (IN_STATE, DIGEST, FAIL))
EXPRESSIONS: Final = 25
CONTEXTS: Final = 12
NAMES: Final = ("a", "b", "k")

CLOSED = st.sampled_from([False])
VALUES = st.sampled_from([None, True, False, 0, 1, 2.5, -1, "a", "b", "", [1], ["a"], {"a": 1}, {}])
SIMPLE = st.sampled_from(
    [
        *({"type": kind} for kind in ("integer", "number", "string", "boolean", "null", "array", "object")),
        {"type": "integer", "minimum": 0, "maximum": 3},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 2},
        {"type": ["integer", "null"]},
        {"type": ["string", "null"], "maxLength": 3},
        {"type": "string", "format": "date-time", "maxLength": 2},
        {"$ref": "#/$defs/a"},
        {"$ref": "#/$defs/b"},
        {"$ref": "#/$defs/c~1%25"},
        {"$ref": "#"},
        True,
        {},
    ]
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)},
        optional={
            "type": st.just("object"),
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            "additionalProperties": CLOSED | CLOSED | inner,
            "unevaluatedProperties": CLOSED,
            "patternProperties": st.just({"^b": {"type": "string"}}),
        },
    )


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=2)
    return (
        _objects(inner)
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.just(2)})
        | st.fixed_dictionaries({"items": inner, "prefixItems": several})
        | st.fixed_dictionaries({"anyOf": several}, optional={"type": st.sampled_from(["object", "string"])})
        | st.builds(lambda each: {"oneOf": each}, several)
        | st.builds(lambda each: {"allOf": each}, several)
        | st.builds(lambda each, ref: {**each, "$ref": ref}, _objects(inner), st.sampled_from(["#/$defs/a", "#"]))
    )


PLAIN = SIMPLE | st.builds(lambda value: {"const": value}, VALUES)
PARTS = st.recursive(
    PLAIN | st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=3)), _schemas, max_leaves=5
)
DEFINITIONS = st.fixed_dictionaries({"a": PARTS, "b": PARTS, "c/%": PARTS})
SCHEMAS = st.builds(
    lambda fields, more, definitions: {**more, "type": "object", "properties": fields, "$defs": definitions},
    st.dictionaries(st.sampled_from(NAMES), PARTS, min_size=1, max_size=3),
    st.sampled_from([{}, {"additionalProperties": False}, {"required": ["a"]}]),
    DEFINITIONS,
)


class PathMaker(ExpressionMaker):
    """Makes expressions whose leaves are mostly paths into the context."""

    def leaf(self, kind: str) -> str:
        if not self.loop_variables and self.random.random() < 0.6:
            return self.path()
        return super().leaf(kind)

    def path(self) -> str:
        steps = [self.random.choice(NAMES) for _ in range(self.random.choice((1, 1, 1, 2, 3)))]
        return f"context.{'.'.join(steps)}" + self.one_of("", "", "", "[0]", f"['{self.random.choice(NAMES)}']")

    def loop(self, macro: str, kind: str, depth: int, over: str = "") -> str:
        return super().loop(macro, kind, depth, self.one_of(over, self.path()))


def _fitting(schema: Any, chooser: random.Random) -> list[Any]:
    """Make some objects that fit a schema; there may be none."""
    validator = compile_schema(schema)
    made = [*samples(schema, Constants((2.5,), ("a",))), *(_object(chooser, 2) for _ in range(60))]
    # Half of the samples, with a value of the other half's here and there.
    objects = [each for each in made if isinstance(each, dict)]
    made += [{**chooser.choice(objects), **chooser.choice(objects)} for _ in range(20)]
    return [each for each in made if validator.is_valid(each)][:CONTEXTS]


def _object(chooser: random.Random, depth: int) -> dict[str, Any]:
    return {name: _json(chooser, depth) for name in NAMES if chooser.random() < 0.6}


def _json(chooser: random.Random, depth: int) -> Any:
    if depth and chooser.random() < 0.4:
        return _object(chooser, depth - 1) if chooser.random() < 0.6 else [_json(chooser, depth - 1)] * 2
    return chooser.choice([None, True, False, 0, 1, 1.0, 2.5, -1, "a", "b", "", [], [1], ["a"], {}])


def _holds(shape: Shape, value: Any) -> bool:
    """Say whether a value is one of those of a shape."""
    kind = kind_of(value)
    if kind not in shape.kinds:
        return False
    if kind == "list":
        return all(_holds(shape.of_element(), each) for each in value)
    if kind == "map":
        return all(_holds(shape.of_field(name), each) for name, each in value.items() if isinstance(name, str))
    is_scalar = kind in ("null_type", "bool", "int", "double", "string")
    return not is_scalar or shape.constants is None or (_category(kind), value) in shape.constants


def _category(kind: str) -> str:
    return "number" if kind in ("int", "double") else kind


def _inferred(source: str, schema: Any) -> Inferred:
    return infer(source, ENVIRONMENT, dict.fromkeys(NAMED, meet(shape_of_schema(schema), MAPS)))


@settings(max_examples=150, deadline=None)
@given(schema=SCHEMAS, seed=st.integers(0, 2**32))
def test_what_has_a_value_for_fitting_data_is_not_refused_and_has_the_inferred_shape(schema: Any, seed: int) -> None:
    maker = PathMaker(seed)
    contexts = _fitting(schema, maker.random)
    assume(contexts)

    for _ in range(EXPRESSIONS):
        source = maker.make(maker.random.choice(maker.KINDS), 3)
        try:
            program = compile_expression(source, ENVIRONMENT)
        except CelError:
            continue
        inferred = _inferred(source, schema)
        for context in contexts:
            try:
                value = program.evaluate(*[context] * len(NAMED), *OTHERS.values(), lambda state: state == "a.b")
            except EvaluationError:
                continue
            assert _holds(inferred.shape, value), f"{source} of {context} is {value!r}, not {inferred.shape}"


@pytest.mark.parametrize(
    "source",
    [
        "dyn(1) < 2.5 && dyn(2u) >= 2",
        "[7, 8][dyn(1.0)] + [7][dyn(0u)]",
        "optional.of(1).orValue(dyn(context.n + 'a'))",
        "optional.of(dyn(1)).or(optional.of(dyn(context.n + 'a'))).value()",
        "context.m.map(key, key + 'a')",
        "[].map(x, context.n + 'a')",
        "context.n == 1 || context.n + 'a' == 'b'",
        "context.n == 1 ? 1 : dyn(context.n + 'a')",
        "timestamp(dyn(0)) - dyn(duration('1s'))",
    ],
)
def test_what_evaluation_allows_beyond_the_checker_is_not_refused(source: str) -> None:
    schema = {"properties": {"n": {"type": "integer"}, "m": {"items": {"type": "integer"}}}}
    context = {"n": 1, "m": {"k": 1}}

    value = compile_expression(source, ENVIRONMENT).evaluate(*[context] * len(NAMED), *OTHERS.values(), bool)

    assert _holds(_inferred(source, schema).shape, value)


@settings(max_examples=200, deadline=None)
@given(schema=SCHEMAS, seed=st.integers(0, 2**32))
def test_a_schema_s_shape_holds_all_that_fits_it(schema: Any, seed: int) -> None:
    shape = shape_of_schema(schema)

    assert all(_holds(shape, value) for value in _fitting(schema, random.Random(seed)))


@settings(max_examples=200, deadline=None)
@given(one=PARTS, other=PARTS, value=VALUES, definitions=DEFINITIONS)
def test_shapes_are_joined_and_met_as_the_schemas_are(one: Any, other: Any, value: Any, definitions: Any) -> None:
    first, second = ({"allOf": [each], "$defs": definitions} for each in (one, other))
    fits = [compile_schema(each).is_valid(value) for each in (first, second)]
    left, right = shape_of_schema(first), shape_of_schema(second)

    assert not any(fits) or _holds(join(left, right), value)
    assert not all(fits) or (_holds(meet(left, right), value) and not are_apart(left, right))
