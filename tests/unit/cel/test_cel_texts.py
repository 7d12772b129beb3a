"""Functions on strings, and the extremes of numbers."""

from __future__ import annotations

from typing import Any

import pytest

from foliot.cel import DYN, Environment, EvaluationError, compile_expression

ENVIRONMENT = Environment({"a": DYN})


def evaluate(source: str, value: Any = None) -> Any:
    return compile_expression(source, ENVIRONMENT).evaluate(value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'tacocat'.charAt(3) + 'tacocat'.charAt(7)", "o"),
        ("['a', 'z', ''].map(p, 'tacocat'.indexOf(p))", [1, -1, 0]),
        ("[2, 7].map(i, 'tacocat'.indexOf('a', i))", [5, -1]),
        ("['a', 'z', ''].map(p, 'tacocat'.lastIndexOf(p))", [5, -1, 7]),
        ("[4, 5].map(i, 'tacocat'.lastIndexOf('at', i))", [-1, 5]),
        ("'ÀBc'.lowerAscii() + 'àbC'.upperAscii()", "ÀbcàBC"),
        ("[-1, 0, 1].map(n, 'hello hello'.replace('he', 'we', n))", ["wello wello", "hello hello", "wello hello"]),
        ("'abc'.replace('', '-') + 'abc'.replace('', '-', 2)", "-a-b-c--a-bc"),
        ("[-1, 0, 1, 2].map(n, 'a b c'.split(' ', n))", [["a", "b", "c"], [], ["a b c"], ["a", "b c"]]),
        ("['abc'.split(''), 'abc'.split('', 2)]", [["a", "b", "c"], ["a", "bc"]]),
        ("[''.split(''), ''.split(',')]", [[""], [""]]),
        ("'tacocat'.substring(4) + 'tacocat'.substring(0, 4) + 'tacocat'.substring(7)", "cattaco"),
        (r"'\u00a0\u2003 a\u001c\u3000\u0085\t'.trim()", "a\x1c"),
        ("['a', 'b'].join('-') + ['a', 'b'].join() + [].join('-')", "a-bab"),
        ("'héo'.reverse()", "oéh"),
        ("'abc'.matches('b') && matches('abc', '^a.c$') && !'abc'.matches('^b')", True),
        (r"'é'.matches(r'\w') || 'a\nb'.matches('a.b')", False),
        ("'abc'.matches('(?i)ABC')", True),
        ("[math.greatest(1, 2.5, 2u), math.least([3, 1]), math.greatest(1, 1.0)]", [2.5, 1, 1]),
        ("type(math.greatest(1, 1.0)) == int", True),
        ("[type(1), type(''), type(null), type(type(1))] == [int, string, null_type, type]", True),
        ("type({}) == map && type([]) == list && type(1u) != int", True),
    ],
)
def test_functions_on_strings_and_numbers_are_those_of_the_extensions(source: str, value: object) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "value", "reason"),
    [
        ("'abc'.charAt(4)", None, "index_out_of_range"),
        ("'abc'.indexOf('a', -1)", None, "index_out_of_range"),
        ("'abc'.lastIndexOf('a', 4)", None, "index_out_of_range"),
        ("'abc'.substring(2, 4)", None, "index_out_of_range"),
        ("'abc'.substring(2, 1)", None, "invalid_argument"),
        ("a.replace('a', a)", "a" * 10_000, "value_too_large"),
        ("a.split('').join(a)", "a" * 10_000, "value_too_large"),
        ("a.matches(a)", "(", "invalid_argument"),
        ("'a'.matches(a)", r"(a)\1", "invalid_argument"),
        ("'a'.matches(a)", "a{1001}", "invalid_argument"),
        ("'a'.matches(a)", r"((\pL{30}){30}){30}", "invalid_argument"),
        ("a.matches('a')", "\ud800", "invalid_argument"),
        ("'a'.matches(a)", "\ud800", "invalid_argument"),
        ("a.trim()", 1, "no_matching_overload"),
        ("a.join()", ["a", 1], "no_matching_overload"),
        ("'a'.charAt(a)", True, "no_matching_overload"),
        ("math.least(a)", [], "invalid_argument"),
        ("math.least(a, 1)", True, "no_matching_overload"),
    ],
)
def test_what_these_functions_cannot_do_is_an_error(source: str, value: Any, reason: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source, value)

    assert caught.value.reason == reason
