"""What is concluded about a condition holds for every value that fits: it may say too little, never too much."""

from __future__ import annotations

import itertools
import operator as operators
from types import MappingProxyType
from typing import Any, Final

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foliot.cel import (
    BOOL,
    IN_STATE,
    MAP,
    Condition,
    Environment,
    EvaluationError,
    compile_expression,
    schema_ranges,
)

ENVIRONMENT: Final = Environment(MappingProxyType({"context": MAP, "event": MAP}), (IN_STATE,))
SCHEMA: Final = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 0, "maximum": 9},
        "x": {"type": "number", "exclusiveMinimum": 0, "maximum": 2.5},
        "e": {"enum": [1, 4, "a"]},
        "s": {"enum": ["a", "b"]},
        "t": {"type": "string"},
        "b": {"type": "boolean"},
        "c": {"const": 5},
        "z": {"type": ["integer", "null"], "maximum": 3},
        "m": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]},
    },
    "required": ["n", "x", "s", "b", "c"],
}
FACTS: Final = dict(schema_ranges("context", SCHEMA))
NUMBERS = st.sampled_from([-1, 0, 1, 2, 2.5, 3, 4, 5, 9, 10, 1.0, 0.5])
CONTEXTS = st.fixed_dictionaries(
    {
        "n": st.integers(0, 9) | st.sampled_from([0.0, 3.0, 9.0]),
        "x": st.floats(0, 2.5, exclude_min=True) | st.sampled_from([1, 2]),
        "s": st.sampled_from(["a", "b"]),
        "b": st.booleans(),
        "c": st.sampled_from([5, 5.0]),
    },
    optional={
        "e": st.sampled_from([1, 4, "a", 4.0]),
        "t": st.sampled_from(["", "a", "b", "c"]),
        "z": st.integers(-5, 3) | st.none(),
        "m": st.fixed_dictionaries({"n": st.integers(1, 9)}),
        "free": st.none() | st.booleans() | NUMBERS | st.sampled_from(["a", "b"]) | st.just({}),
    },
)
PATHS = st.sampled_from([f"context.{name}" for name in ("n", "x", "e", "s", "t", "b", "c", "z", "m.n", "m", "free")])
LITERALS = st.sampled_from(["-1", "0", "1", "2", "2.5", "3", "4", "5", "9", "10", "'a'", "'b'", "'c'", "true", "null"])


def joined(values: st.SearchStrategy[str], signs: list[str]) -> st.SearchStrategy[str]:
    return st.builds("({0} {1} {2})".format, values, st.sampled_from(signs), values)


TERMS = st.recursive(
    PATHS | LITERALS, lambda inner: joined(inner, ["+", "-", "*"]) | st.builds("-({0})".format, inner), max_leaves=3
)
ATOMS = (
    joined(TERMS, ["==", "!=", "<", "<=", ">", ">="])
    | st.builds("({0} in [{1}, {2}])".format, TERMS, LITERALS, LITERALS)
    | st.builds("has({0})".format, PATHS)
    | st.sampled_from(["context.b", "inState('a')", "context.free", "size(context.t) > 0", "context.t.startsWith('a')"])
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        joined(inner, ["&&", "||"])
        | st.builds("!({0})".format, inner)
        | st.builds("({0} ? {1} : {2})".format, inner, inner, inner)
    ),
    max_leaves=5,
)


def verdict(source: str, context: dict[str, Any], *, in_a: bool) -> bool | None:
    try:
        return compile_expression(source, ENVIRONMENT, want=BOOL).evaluate(context, {}, lambda _state: in_a)
    except EvaluationError:
        return None


def condition(source: str) -> Condition:
    try:
        compile_expression(source, ENVIRONMENT, want=BOOL)
    except Exception:  # noqa: BLE001 - the checker refuses it: another is drawn
        assume(False)  # noqa: FBT003
    return Condition(source, ENVIRONMENT)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, st.lists(CONTEXTS, min_size=8, max_size=8), st.booleans())
def test_what_is_concluded_holds_for_every_value_that_fits_the_schema(
    source: str,
    contexts: list[dict[str, Any]],
    in_a: bool,  # noqa: FBT001 - drawn
) -> None:
    judged = condition(source)

    found = {verdict(source, context, in_a=in_a) for context in contexts}

    assert True not in found or judged.assume(True, FACTS) is not None  # noqa: FBT003
    assert False not in found or judged.assume(False, FACTS) is not None  # noqa: FBT003
    assert None not in found or judged.may_fail(FACTS)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, CONDITIONS, st.lists(CONTEXTS, min_size=8, max_size=8), st.booleans())
def test_what_one_condition_says_of_another_holds(
    first: str,
    second: str,
    contexts: list[dict[str, Any]],
    in_a: bool,  # noqa: FBT001 - drawn
) -> None:
    within = condition(first).assume(True, FACTS)  # noqa: FBT003
    other = condition(second)

    found = {verdict(second, each, in_a=in_a) for each in contexts if verdict(first, each, in_a=in_a)}

    assert within is not None or not found
    assert within is None or False not in found or other.assume(False, within) is not None  # noqa: FBT003
    assert within is None or None not in found or other.may_fail(within)


def test_the_drawn_contexts_fit_the_schema() -> None:
    @settings(max_examples=200, deadline=None)
    @given(CONTEXTS)
    def fits(context: dict[str, Any]) -> None:
        assert jsonschema_rs.Draft202012Validator(SCHEMA).is_valid(context)

    fits()


OPERATORS: Final = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
    "==": operators.eq,
    "!=": operators.ne,
}
NEVER = [
    "context.n > 9",
    "context.n < 3 && context.n > 2",
    "context.x <= 0",
    "context.x > 2.5 || context.n < 0",
    "context.s == 'c'",
    "context.s != 'a' && context.s != 'b'",
    "!(context.s in ['a', 'b'])",
    "context.c != 5",
    "context.e == 2",
    "context.n + 1 > 10",
    "context.n * 2 - 1 > 17",
    "context.n == context.z && context.n > 3",
    "has(context.m) && context.m.n < 1",
    "inState('a') && !inState('a')",
    "context.b ? context.n > 9 : context.s == 'c'",
    "size(context.t) < 0",
    "context.n == 'a'",
]
NOT_NEVER = [
    "context.n > 8",
    "context.x < 3 && context.x > 2",
    "context.e == 4",
    "context.n + 1 > 9",
    "context.n == context.z && context.n > 2",
    "has(context.m) && context.m.n < 2",
    "inState('a') && !inState('b')",
]


@pytest.mark.parametrize("source", NEVER)
def test_a_condition_that_cant_be_true_is_found(source: str) -> None:
    assert Condition(source, ENVIRONMENT).assume(True, FACTS) is None  # noqa: FBT003


@pytest.mark.parametrize("source", NOT_NEVER)
def test_a_condition_that_can_be_true_is_left_alone(source: str) -> None:
    assert Condition(source, ENVIRONMENT).assume(True, FACTS) is not None  # noqa: FBT003


ALWAYS = [
    "context.n >= 0",
    "context.s in ['a', 'b']",
    "context.c == 5",
    "has(context.n)",
    "context.x > 0 && context.x <= 2.5",
    "context.b || !context.b",
]


@pytest.mark.parametrize("source", ALWAYS)
def test_a_condition_that_is_always_true_is_found(source: str) -> None:
    judged = Condition(source, ENVIRONMENT)

    assert judged.assume(False, FACTS) is None  # noqa: FBT003
    assert not judged.may_fail(FACTS)


@pytest.mark.parametrize(("n", "bound"), list(itertools.product(range(-1, 11), repeat=2)))
def test_an_implication_of_bounds_is_found_exactly_where_it_is(n: int, bound: int) -> None:
    within = Condition(f"context.n > {n}", ENVIRONMENT).assume(True, FACTS)  # noqa: FBT003
    other = Condition(f"context.n > {bound}", ENVIRONMENT)

    implied = within is None or other.assume(False, within) is None  # noqa: FBT003

    assert implied == all(each > bound for each in range(10) if each > n)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("bound", range(-1, 11))
def test_both_verdicts_of_a_comparison_are_found_exactly_where_they_are(operator: str, bound: int) -> None:
    judged = Condition(f"context.n {operator} {bound}", ENVIRONMENT)

    verdicts = {OPERATORS[operator](each, bound) for each in range(10)}

    assert {verdict for verdict in (True, False) if judged.assume(verdict, FACTS) is not None} == verdicts
    assert not judged.may_fail(FACTS)
