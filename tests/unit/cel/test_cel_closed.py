from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.cel import (
    COST_MAX,
    DIGEST,
    DYN,
    IN_STATE,
    MAP,
    CelBudgetExceeded,
    CelError,
    Environment,
    EvaluationError,
    UInt,
    compile_expression,
    to_json,
)
from foliot.cel.checking import check
from foliot.cel.closed import NODES, OPERATIONS, assert_closed
from foliot.cel.generation import _Generator
from foliot.cel.lexer import Source
from foliot.cel.parsing import parse

ENVIRONMENT = Environment({"context": DYN, "event": MAP}, (IN_STATE, DIGEST))
EVERYTHING = """
  has(context.a) && context.b[0] == 1u || !(event.data.x != null) && digest('a' + context.s).size() > -context.n * 2
  ? [1.5, b'x', {'k': 1 / 2, 'l': 5 % 3 - 1}] : [context.l.map(x, x > 1, x), context.l.filter(x, x in [1]),
  context.l.all(x, inState(x)), context.l.exists(x, x), context.l.exists_one(x, x <= 1 && x >= 0 && x < 9),
  context.y == 1, context.x < context.y, 'a' != context.s,
  {1: 1, true: 2, dyn('a'): 3, 4u: 5}, dyn(1).a, context.x == true, int('1'), uint(1), double(1), string(1), bool('t'),
  bytes(''), 'a'.contains('b'), 'a'.startsWith('b'), 'a'.endsWith('c'), context.?a.orValue(1), context.a[?0].or(
  optional.none()), [?context.?a, 1], {?'a': context.?b}, context.?a.optMap(x, x + 1), context.?a.optFlatMap(x, x.?b),
  type(1) == int, timestamp(0).getHours('+01:00'), duration('1s') + duration('2s'), math.greatest(1, 2),
  'a'.matches('b')]
"""


def module_of(source: str) -> ast.Module:
    text = Source(source)
    return _Generator(check(text, parse(text), ENVIRONMENT), COST_MAX).module(None)


def test_generated_code_has_nothing_beyond_the_closed_list_of_nodes() -> None:
    module = module_of(EVERYTHING)

    assert {type(node) for node in ast.walk(module)} <= NODES
    assert not {ast.Attribute, ast.Import, ast.ImportFrom, ast.Lambda, ast.JoinedStr, ast.Global} & NODES


def test_every_node_of_the_closed_list_is_needed() -> None:
    assert {type(node) for node in ast.walk(module_of(EVERYTHING))} == NODES


def test_no_name_of_an_expression_becomes_a_name_in_python() -> None:
    module = module_of("[1].map(__import__, __import__ + context.__class__)")

    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    assert not any("__" in name for name in names)


@pytest.mark.parametrize(
    "text",
    ["context.x", "open('f')", "print", "lambda: 1", "f'{add}'", "add(*size)", "add(left=1)", "(add)(1)(2)", "1j"],
)
def test_the_check_of_generated_code_refuses_what_is_not_in_the_lists(text: str) -> None:
    module = ast.parse(text)

    with pytest.raises(AssertionError):
        assert_closed(module)


def test_generated_code_cannot_reach_pythons_builtins() -> None:
    namespace = compile_expression("1", ENVIRONMENT).evaluate.__globals__

    assert namespace["__builtins__"] == {}
    assert set(namespace) == {"__builtins__", "evaluate", *OPERATIONS}


PIECES = st.sampled_from(
    [
        *"()[]{}.,?:+-*/%<>!'\"\\ \n",
        *("&&", "||", "==", "!=", "<=", ">=", " in ", "'a'", "b'x'", "r'\\'", "1", "1u", "2.5", "0x1", "true", "null"),
        *("context", "event", ".a", ".map(x, x)", ".all(x, true)", "has(", "size(", "int(", "[0]", "{'a': 1}", "x"),
        *("dyn(", "string(", ".filter(x, ", "inState('a')", "digest(", "// c\n", "'''", "9223372036854775807"),
    ]
)
SOURCES = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=25).map("".join))


@settings(max_examples=600)
@given(SOURCES, st.sampled_from([{}, {"a": 1}, {"a": [1, "b", {"a": None}]}, [1, 2], "text", None, 5]))
def test_no_text_makes_another_error_than_a_cel_error(source: str, context: Any) -> None:
    try:
        compile_expression(source, ENVIRONMENT).evaluate(context, {"a": 1}, lambda _path: True)
    except CelError as error:
        assert error.refusal.code in ("cel_syntax", "cel_type", "cel_evaluation", "cel_budget_exceeded")  # noqa: PT017


@pytest.mark.parametrize(
    "source",
    [
        "context.l.exists(x, context.l.exists(y, false)) || true",
        "context.l.map(x, context.l.map(y, y)).size() > 0",
        "context.l.all(x, x in context.l)",
        "context.l.map(x, [" + "x, " * 2_000 + "]).size() > 0",
        "context.l.all(x, context.l == context.l)",
        "context.l.map(x, context.s + context.s).size() > 0",
        "context.l.exists(x, context.s.contains('b'))",
    ],
)
def test_an_evaluation_that_costs_too_much_ends_and_nothing_absorbs_it(source: str) -> None:
    program = compile_expression(source, ENVIRONMENT)
    context = {"l": list(range(2_000)), "s": "a" * 100_000}

    with pytest.raises(CelBudgetExceeded, match=str(COST_MAX)):
        program.evaluate(context, {}, None)


def test_the_budget_is_of_one_evaluation() -> None:
    program = compile_expression("context.all(x, x > 0)", ENVIRONMENT)
    context = [1] * (COST_MAX // 2 + 1)

    results = [program.evaluate(context, {}, None) for _ in range(3)]

    assert results == [True, True, True]


def test_a_string_cannot_grow_without_limit() -> None:
    program = compile_expression("context + context + context", ENVIRONMENT)

    with pytest.raises(EvaluationError, match="value_too_large"):
        program.evaluate("a" * 2_000_000, {}, None)


@pytest.mark.parametrize(
    "value",
    [UInt(1), b"a", float("nan"), float("inf"), 2**63, "\ud800", {1: 2}, {"\ud800": 1}, [UInt(1)], {"a": b""}],
)
def test_what_is_no_json_does_not_leave(value: object) -> None:
    with pytest.raises(EvaluationError, match="not_json"):
        to_json(value)


def test_json_may_be_64_levels_deep_and_no_deeper() -> None:
    allowed: list[Any] = []
    for _ in range(63):
        allowed = [allowed]

    assert to_json(allowed) == allowed
    with pytest.raises(EvaluationError, match="64 levels"):
        to_json([allowed])


def test_json_that_repeats_a_long_string_is_measured_as_a_whole() -> None:
    with pytest.raises(EvaluationError, match="value_too_large"):
        to_json(["a" * 1_000_000] * 5)


def test_json_that_leaves_shares_nothing_that_can_change() -> None:
    value: Any = {"a": [1, {"b": "é"}], "c": 1.5, "d": None, "e": True}

    copy = to_json(value)

    assert copy == value
    assert copy is not value
    assert copy["a"] is not value["a"]
    assert copy["a"][1] is not value["a"][1]


def test_what_a_value_costs_as_json_is_counted() -> None:
    many = [[1] for _ in range(5_000)]

    assert to_json(many, budget=6_000) == many
    with pytest.raises(CelBudgetExceeded):
        to_json(many, budget=5_000)


def test_a_value_of_very_many_small_lists_ends_with_the_budget() -> None:
    value = compile_expression("context.map(x, context.map(y, []))", ENVIRONMENT).evaluate([0] * 200, {}, None)

    to_json(value)
    with pytest.raises(CelBudgetExceeded, match="costs more than 100000 units"):
        to_json([value, value, value])


def test_the_error_of_a_bad_pattern_has_no_words_of_the_library() -> None:
    program = compile_expression("'a'.matches(context)", ENVIRONMENT)

    with pytest.raises(EvaluationError) as error:
        program.evaluate("(", {}, None)

    assert error.value.what == "'(' is no regular expression of RE2, or too large a one."
