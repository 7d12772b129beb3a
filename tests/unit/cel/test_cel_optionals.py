"""Optional values."""

from __future__ import annotations

from typing import Any

import pytest

from foliot.cel import DYN, Environment, EvaluationError, compile_expression, to_json

ENVIRONMENT = Environment({"a": DYN})
VALUE: dict[str, Any] = {"b": 1, "n": None, "l": [1, 2], "m": {"k": {"deep": "x"}}, "s": "text"}


def evaluate(source: str) -> Any:
    return compile_expression(source, ENVIRONMENT).evaluate(VALUE)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a.?b.orValue(0)", 1),
        ("a.?absent.orValue(0)", 0),
        ("a.?absent.deeper.still.orValue(0)", 0),
        ("a.?m.k.deep.orValue('')", "x"),
        ("a.?m.?k['deep'].orValue('')", "x"),
        ("a.?n.hasValue()", True),
        ("a.?n.orValue(5)", None),
        ("a[?'b'].value()", 1),
        ("a.l[?1].value()", 2),
        ("a.l[?-1].hasValue() || a.l[?2].hasValue()", False),
        ("a.?l[0].value() + a.?l[?1].value()", 3),
        ("a.?l[9].hasValue()", False),
        ("[?a.?absent, ?a.?b, 2]", [1, 2]),
        ("{?'k': a.?absent, ?'b': a.?b}", {"b": 1}),
        ("{'k': 1, ?'k': optional.none()}", {"k": 1}),
        ("optional.of(1).orValue(1 / 0)", 1),
        ("size([optional.of(dyn(1)), null])", 2),
        ("optional.of(1).or(optional.of(1 / 0)).value()", 1),
        ("optional.none().or(a.?b).value()", 1),
        ("optional.ofNonZeroValue(0).hasValue()", False),
        ("[0u, 0.0, '', b'', false, null].exists(x, optional.ofNonZeroValue(x).hasValue())", False),
        ("[[], {}, timestamp(0), duration('0')].exists(x, optional.ofNonZeroValue(x).hasValue())", False),
        ("[1u, 0.5, 'a', b'a', true, [0]].all(x, optional.ofNonZeroValue(x).hasValue())", True),
        ("[{'a': 0}, timestamp(1), duration('1s'), int].all(x, optional.ofNonZeroValue(x).hasValue())", True),
        ("a.?b.optMap(x, x + 1).value()", 2),
        ("a.?absent.optMap(x, x + 1).hasValue()", False),
        ("a.?m.optFlatMap(m, m.?k).optFlatMap(k, k.?deep).value()", "x"),
        ("optional.of(2).optMap(a, a + 1).value()", 3),
        ("optional.of(1) == optional.of(dyn(1.0))", True),
        ("optional.of(1) == optional.none() || optional.none() != optional.none()", False),
        ("optional.of([1]) in [optional.of([1])]", True),
        ("has(a.?m.k) && !has(a.?m.absent) && !has(a.?absent.k)", True),
        ("type(a.?b) == optional_type", True),
    ],
)
def test_optionals_stand_for_what_may_be_missing(source: str, value: object) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("optional.none().value()", "no_value"),
        ("optional.none().orValue(1 / 0)", "division_by_zero"),
        ("a.b.?c", "no_matching_overload"),
        ("a.?b.c", "no_matching_overload"),
        ("a.l[?'x']", "no_matching_overload"),
        ("a.s[?0]", "no_matching_overload"),
        ("a.b.hasValue()", "no_matching_overload"),
        ("[?a.b]", "no_matching_overload"),
        ("{?'a': a.b}", "no_matching_overload"),
        ("a.?b.optFlatMap(x, x)", "no_matching_overload"),
        ("optional.none().or(dyn(1))", "no_matching_overload"),
        ("{?'a': a.?b, 'a': 1}", "duplicate_key"),
    ],
)
def test_what_is_no_optional_or_holds_nothing_is_an_error(source: str, reason: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source)

    assert caught.value.reason == reason


@pytest.mark.parametrize("source", ["a.?b", "[optional.none()]", "{'t': type(1)}"])
def test_optionals_and_types_cannot_leave(source: str) -> None:
    with pytest.raises(EvaluationError, match="not_json"):
        to_json(evaluate(source))
