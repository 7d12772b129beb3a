from __future__ import annotations

import hashlib
import math
from types import MappingProxyType
from typing import Any

import pytest

from foliot.cel import BOOL, DIGEST, DYN, FAIL, IN_STATE, MAP, Environment, EvaluationError, UInt, compile_expression

ENVIRONMENT = Environment({"context": DYN, "event": MAP}, (IN_STATE, DIGEST, FAIL))
CONTEXT: dict[str, Any] = {"seen": 3, "text": "héllo", "ratio": 0.5, "yes": True, "list": [1, 2], "none": None, "m": {}}


def evaluate(source: str, context: Any = CONTEXT) -> Any:
    return compile_expression(source, ENVIRONMENT).evaluate(
        context, {"id": "e1", "data": {}}, lambda path: path == "a.b"
    )


def reason_of(source: str) -> str:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source)
    return caught.value.reason


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("2 + 3 * 4 - 5 % 3", 12),
        ("1 - 2 - 3", -4),
        ("-2 * -3", 6),
        ("1 < 2 == true", True),
        ("true || false && false", True),
        ("!true || true", True),
        ("false ? 1 : true ? 2 : 3", 2),
        ("1 + 1 in [2]", True),
        ("1 == 1 && 2 > 1 || false", True),
        ("-context.seen + 1", -2),
        ("(1 + 2) * 3", 9),
        ("- -1", 1),
        ("1 // the rest is a comment", 1),
    ],
)
def test_operators_bind_as_in_cel(source: str, value: object) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (r'"\u00e9\x41\101\n\"\?"', 'éAA\n"?'),
        (r"r'\n'", "\\n"),
        ("'''a\n'b'''", "a\n'b"),
        (r"b'\xff\377é'", b"\xff\xff\xc3\xa9"),
        ("0x10", 16),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615u", UInt(2**64 - 1)),
        (".5e1", 5.0),
        ("[1, 2,]", [1, 2]),
        ("{'a': [null], }", {"a": [None]}),
    ],
)
def test_literals_have_the_values_that_they_spell(source: str, value: object) -> None:
    found = evaluate(source)

    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("1.0 / 0.0", math.inf),
        ("-1.0 / 0.0", -math.inf),
        ("size('héllo')", 5),
        ("b'\\xff'.size()", 1),
        ("dyn(1) == 1.0", True),
        ("dyn(1u) < 1.5", True),
        ("dyn(true) == 1", False),
        ("[true] == [dyn(1)]", False),
        ("{true: 'b'}[true]", "b"),
        ("dyn(1) in {true: 'b'}", False),
        ("{1: 'i'}[dyn(1.0)]", "i"),
        ("'a' + 'b' == 'ab'", True),
        ("string(1234567.0)", "1.234567e+06"),
        ("string(0.5)", "0.5"),
        ("int('-12') + int(2.9) + int(3u)", -7),
        ("double('1e3')", 1000.0),
        ("bool('true')", True),
        ("'héllo'.contains('él') && 'ab'.startsWith('a') && 'ab'.endsWith('b')", True),
    ],
)
def test_values_are_computed_as_in_cel(source: str, value: object) -> None:
    found = evaluate(source)

    assert (type(found), found) == (type(value), value)


def test_zero_divided_by_zero_is_not_a_number() -> None:
    assert math.isnan(evaluate("0.0 / 0.0"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "division_by_zero"),
        ("1 % 0", "division_by_zero"),
        ("9223372036854775807 + 1", "integer_overflow"),
        ("context.seen + 9223372036854775807", "integer_overflow"),
        ("-9223372036854775808 / -1", "integer_overflow"),
        ("-(-9223372036854775808)", "integer_overflow"),
        ("1u - 2u", "integer_overflow"),
        ("int(1e30)", "integer_overflow"),
        ("context.absent", "no_such_field"),
        ("context['absent']", "no_such_field"),
        ("context[context.text]", "no_such_key"),
        ("context.list[2]", "index_out_of_range"),
        ("context.list[-1]", "index_out_of_range"),
        ("context.seen.deeper", "no_matching_overload"),
        ("context.list.field", "no_matching_overload"),
        ("has(context.text.field)", "no_matching_overload"),
        ("context.seen + 1.0", "no_matching_overload"),
        ("context.yes + 1", "no_matching_overload"),
        ("context.text > 1", "no_matching_overload"),
        ("context.yes > 0", "no_matching_overload"),
        ("context.seen ? 1 : 2", "no_matching_overload"),
        ("!context.seen", "no_matching_overload"),
        ("context.seen.map(x, x)", "no_matching_overload"),
        ("size(context.seen)", "no_matching_overload"),
        ("int('one')", "invalid_argument"),
        ("string(b'\\xff')", "invalid_argument"),
        ("{context.text: 1, context.text: 2}", "duplicate_key"),
        ("{dyn('a'): 1, 'a': 2}", "duplicate_key"),
        ("inState(context.seen)", "no_matching_overload"),
        ("fail('so it is')", "failed"),
        ("true ? fail(event.id) : 1", "failed"),
        ("fail(dyn(1))", "no_matching_overload"),
    ],
)
def test_an_evaluation_error_says_why(source: str, reason: str) -> None:
    assert reason_of(source) == reason


@pytest.mark.parametrize("error", ["context.absent == 1", "1 / 0 == 1", "context.seen", "context.seen.x"])
def test_or_and_and_absorb_errors_on_both_sides(error: str) -> None:
    for source, value in (
        (f"{error} || true", True),
        (f"true || {error}", True),
        (f"{error} && false", False),
        (f"false && {error}", False),
        (f"{error} || {error} || true", True),
        (f"{error} && true && false", False),
        (f"({error} && false) || true", True),
    ):
        assert evaluate(source) is value


@pytest.mark.parametrize("error", ["context.absent == 1", "1 / 0 == 1", "context.seen", "context.seen.x"])
def test_or_and_and_keep_errors_that_nothing_decides(error: str) -> None:
    for source in (f"{error} || false", f"false || {error}", f"{error} && true", f"true && {error}", f"!({error})"):
        reason_of(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("[0, 1].exists(x, 1 / x > 0)", True),
        ("[0, 1].all(x, 1 / x > 5)", False),
        ("[].all(x, false)", True),
        ("[].exists(x, true)", False),
        ("[1, 2, 3].exists_one(x, x > 2)", True),
        ("[1, 2, 3].exists_one(x, x > 1)", False),
        ("[1, 2, 3].map(x, x * 2)", [2, 4, 6]),
        ("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]),
        ("[1, 2, 3].filter(x, x % 2 == 1)", [1, 3]),
        ("{'b': 1, 'a': 2}.map(k, k)", ["a", "b"]),
        ("[[1], [2, 3]].map(l, l.map(x, x + context.seen))", [[4], [5, 6]]),
        ("[1].map(context, context + 1)", [2]),
        ("[1].map(x, [x + 1].map(x, x + 1) + [x])", [[3, 1]]),
    ],
)
def test_macros_loop_as_in_cel(source: str, value: object) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    "source",
    ["[0, 1].all(x, 1 / x > 0)", "[1, 0].map(x, 1 / x)", "[0, 1].exists_one(x, 1 / x > 0)", "[1].exists(x, dyn(x))"],
)
def test_a_macro_keeps_an_error_that_no_element_decides(source: str) -> None:
    reason_of(source)


@pytest.mark.parametrize(
    "source",
    [
        "[1].all(context, context > 0) && context.seen == 3 && event.id == 'e1'",
        "optional.of(1).optMap(context, context).value() == 1 && context.seen == 3 && event.id == 'e1'",
        "[1].all(context, [2].all(context, context == 2) && context == 1) && context.seen == 3 && event.id == 'e1'",
    ],
)
def test_a_macro_may_call_its_elements_by_the_name_of_a_variable(source: str) -> None:
    assert evaluate(source) is True


def test_has_tells_a_field_that_is_null_from_one_that_is_absent() -> None:
    assert evaluate("has(context.none) && !has(context.absent)") is True


def test_digest_is_the_blake2b_of_the_text() -> None:
    expected = hashlib.blake2b("héllo".encode(), digest_size=16).hexdigest()

    assert evaluate("digest(context.text)") == expected


def test_in_state_asks_the_function_that_the_caller_passed() -> None:
    assert evaluate("inState('a.b') && !inState('a.c')") is True


def test_a_failing_host_function_is_not_taken_for_an_error_of_the_expression() -> None:
    program = compile_expression("inState('a') || true", ENVIRONMENT)

    def fails(path: str) -> bool:
        raise KeyError(path)

    with pytest.raises(RuntimeError, match="inState"):
        program.evaluate({}, {}, fails)


def test_any_mapping_is_a_map() -> None:
    frozen = MappingProxyType({"m": MappingProxyType({"k": 1})})

    assert evaluate("has(context.m) && context.m.k == 1 && size(context.m) == 1 && 'm' in context", frozen) is True


def test_a_uint_stays_a_uint() -> None:
    found = evaluate("1u + 2u * 3u")

    assert (type(found), found) == (UInt, 7)


def test_a_result_that_is_not_of_the_wanted_type_is_an_error() -> None:
    program = compile_expression("context.seen", ENVIRONMENT, want=BOOL)

    with pytest.raises(EvaluationError, match="no_matching_overload"):
        program.evaluate(CONTEXT, {}, None)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("context.absent", (1, 8)),
        ("1 +\n  context.text", (1, 3)),
        ("true &&\n  context.list[9] == 1", (2, 15)),
        ("context.seen + \n (9223372036854775807 + 1)", (2, 23)),
    ],
)
def test_an_evaluation_error_knows_its_place(source: str, place: tuple[int, int]) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source)

    assert (caught.value.line, caught.value.column) == place
    assert caught.value.refusal.where == f"{place[0]}:{place[1]}"


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("event.data.severity == 1 && context.severity > 1", {"event.data.severity", "context.severity"}),
        ("has(context.a.b)", {"context.a.b"}),
        ("context['a'].b", {"context.a.b"}),
        ("context[event.id]", {"context", "event.id"}),
        ("context.list.map(x, x.y + event.id)", {"context.list", "event.id"}),
        ("[dyn(1)].map(context, context.x)", set()),
        ("1 + 1", set()),
    ],
)
def test_a_program_names_what_it_reads(source: str, reads: set[str]) -> None:
    assert compile_expression(source, ENVIRONMENT).reads == reads
