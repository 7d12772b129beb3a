"""Bounds of cost, and the budget that ends an evaluation."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.cel import (
    DYN,
    MAP,
    CelBudgetExceeded,
    CelError,
    Environment,
    EvaluationError,
    compile_expression,
    schema_weights,
)
from foliot.cel.weights import value_weight

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "items": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 30}},
        "name": {"type": "string", "maxLength": 100},
        "kind": {"enum": ["a", "long"]},
        "count": {"type": ["integer", "null"]},
        "free": {"type": "array"},
        "point": {"type": "object", "additionalProperties": False, "properties": {"x": {"type": "number"}}},
    },
}


class Counting:
    """A meter that never ends an evaluation."""

    spent = 0

    def __init__(self, _budget: int) -> None:
        Counting.spent = 0

    def charge(self, units: int) -> None:
        Counting.spent += units


def spent_by(source: str, environment: Environment, value: Any) -> tuple[int, int]:
    """Give what an evaluation costs, and the bound that was told beforehand."""
    program = compile_expression(source, environment, budget=-1)
    program.evaluate.__globals__["Meter"] = Counting
    with suppress(EvaluationError):
        program.evaluate(value)
    return Counting.spent, program.cost


PIECES = (
    "{0}",
    "{0} == {1}",
    "{0} in {1}",
    "dyn({0}) + {1}",
    "{0}.map(x, {1})",
    "{0}.filter(x, {1} == x)",
    "{0}.all(x, [x, {1}] == [{0}, x])",
    "{0}.split('a')",
    "{0}.split('').join({1})",
    "{0}.replace('a', {1})",
    "{0}.lowerAscii() + string({1})",
    "bytes({0})",
    "{0}.matches('a+b')",
    "{0}.matches({1})",
    "[{0}, {1}]",
    "{{'k': {0}, 'l': {1}}}",
    "optional.of({0}).or(optional.of({1})).value()",
    "math.greatest({0}, {1})",
    "math.least({0})",
    "{0}.contains({1})",
    "{0}.trim().reverse().indexOf({1})",
    "v.s",
    "v.l",
    "v.m",
    "x",
    "optional.of({0}).optMap(x, {1}).value()",
    "v.l[?1].orValue({0})",
    "[v.s].exists(x, x == {1})",
)
EXPRESSIONS = st.recursive(
    st.sampled_from(["v.s", "v.l", "v.m", "v", "'aab'", "1", "[1, 'a']", "v.t"]),
    lambda inner: st.builds(
        lambda piece, one, two: f"({piece.format(one, two)})", st.sampled_from(PIECES), inner, inner
    ),
    max_leaves=8,
)
VALUES = st.fixed_dictionaries(
    {
        "s": st.text("ab", max_size=9_000),
        "t": st.text("é", max_size=200),
        "l": st.lists(st.text("ab", max_size=40) | st.lists(st.integers(0, 3), max_size=40), max_size=60),
        "m": st.dictionaries(st.text("ab", max_size=4), st.integers(0, 3), max_size=20),
    }
)


def weighed(value: Any) -> Environment:
    """Make an environment that knows exactly what the value holds."""
    inner = {f"v.{name}": value_weight(each) for name, each in value.items()}
    return Environment({"v": DYN}, weights={"v": value_weight(value), **inner})


@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS, VALUES)
def test_no_evaluation_costs_more_than_its_bound(source: str, value: Any) -> None:
    try:
        spent, bound = spent_by(source, weighed(value), value)
    except CelError:
        return

    assert spent <= bound


FULL = {"s": "ab" * 4_096, "l": [["ab"] * 16 for _ in range(640)], "n": list(range(640)), "t": ["ab"] * 640}


@pytest.mark.parametrize(
    "source",
    [
        "v.l == v.l",
        "v.n in v.l",
        "dyn(5) in v.n",
        "[bytes(v.s)] in [[bytes(v.s)], [b'a']]",
        "v.l + v.l",
        "v.s + v.s",
        "optional.none().orValue(v.l) == v.l",
        "optional.of(v.l).optMap(x, x == v.l).value()",
        "v.n.map(x, v.n).all(y, y == v.n)",
        "v.n.filter(x, x > 1).map(x, x)",
        "v.n.exists_one(x, x > 1)",
        "v.s.split('') == v.s.split('')",
        "v.s.split('').join(v.s).contains('c')",
        "v.t.join('--').upperAscii()",
        "v.s.lowerAscii()",
        "v.s.replace('a', v.s.substring(9)).trim()",
        "string(bytes(v.s)).reverse()",
        "v.s.indexOf('c') + v.s.lastIndexOf('c')",
        "v.s.matches('(a|b)*c') || v.s.matches(v.t[0])",
        "math.greatest(v.n)",
        "[v.s, v.l][1] == v.l",
        "{'k': v.l}.k == v.l",
        "true ? v.l == v.l : false",
    ],
)
def test_every_charge_is_in_the_bound(source: str) -> None:
    spent, bound = spent_by(source, weighed(FULL), FULL)

    assert 0 < spent <= bound


@pytest.mark.parametrize(
    ("source", "cost"),
    [
        ("context.count + 1", 0),
        ("context.kind == 'long'", 0),
        ("context.items.all(x, x != '')", 20),
        ("context.items.all(x, context.items.exists(y, y == x))", 20 * (1 + 20 * 1)),
        ("context.items.map(x, x + x).filter(x, x.size() > 3)", 20 + 20),
        ("context.point == event.point", 0),
        ("context.name.matches('a+')", 100 * 6 // 128),
    ],
)
def test_a_bound_counts_what_the_schema_allows(source: str, cost: int) -> None:
    weights = dict(schema_weights("context", SCHEMA))

    program = compile_expression(source, Environment({"context": MAP, "event": MAP}, weights=weights))

    assert program.cost == cost


def test_what_no_schema_bounds_may_be_a_mib_of_json() -> None:
    weights = dict(schema_weights("context", SCHEMA))
    environment = Environment({"context": MAP}, weights=weights)

    assert set(weights) == {
        "context.items",
        "context.name",
        "context.kind",
        "context.count",
        "context.point",
        "context.point.x",
        "context.items[]",
    }
    assert compile_expression("context.free.all(x, x)", environment).cost == 512 * 1024


@pytest.mark.parametrize(
    ("source", "is_counted"),
    [
        ("v.n + 1 > 0 && v.a == v.b", False),
        ("[1, 2, 3].exists(x, x == v.n)", False),
        ("v.l.exists(x, x == v.n)", True),
        ("v.a == v.b && v.c == v.d", True),
    ],
)
def test_only_what_may_exceed_the_budget_is_counted(source: str, is_counted: bool) -> None:  # noqa: FBT001 (a case)
    program = compile_expression(source, Environment({"v": DYN}))

    assert ("Meter" in program.evaluate.__code__.co_names) is is_counted


def test_a_budget_is_kept_to_the_unit_whatever_the_machine() -> None:
    environment = Environment({"v": DYN})

    assert compile_expression("v.all(x, x > 0)", environment, budget=50).evaluate([1] * 50) is True
    with pytest.raises(CelBudgetExceeded, match="50 units"):
        compile_expression("v.all(x, x > 0)", environment, budget=50).evaluate([1] * 51)


@pytest.mark.parametrize(
    "source",
    [
        "[" + "v.l == v.k, " * 400 + "]",
        "[" + "v.s + v.s, " * 400 + "]",
        "[" + "v.s.replace('a', 'bb'), " * 400 + "]",
        "[" + "v.s.split(''), " * 400 + "]",
        "[" + "v.s.matches(v.p), " * 400 + "]",
        "v.l.all(x, v.s.upperAscii() != '')",
        "v.l.all(x, v.l.all(y, v.l.all(z, true)))",
        "v.s.split('').map(x, v.s.split(''))",
    ],
)
def test_what_would_take_long_ends_by_its_cost(source: str) -> None:
    value = {"l": list(range(100_000)), "k": list(range(100_000)), "s": "a" * 500_000, "p": "(a|b)*c"}

    with pytest.raises(CelBudgetExceeded):
        compile_expression(source, Environment({"v": DYN})).evaluate(value)
