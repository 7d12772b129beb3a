from __future__ import annotations

import pytest

from foliot.cel import (
    BOOL,
    DIGEST,
    DYN,
    IN_STATE,
    INT,
    MAP,
    SOURCE_BYTES_MAX,
    STRING,
    CelError,
    CelSyntaxError,
    CelTypeError,
    Environment,
    HostFunction,
    compile_expression,
    list_of,
)

ENVIRONMENT = Environment({"context": DYN, "event": MAP, "n": INT, "names": list_of(STRING)}, (IN_STATE, DIGEST))


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("", (1, 1)),
        ("1 +", (1, 4)),
        ("1 +\n+ 2", (2, 1)),
        ("(1", (1, 3)),
        ("1 2", (1, 3)),
        ("a ? b ? 1 : 2 : 3", (1, 7)),
        ("'open", (1, 1)),
        (r"'a\q'", (1, 3)),
        (r"'\ud800'", (1, 2)),
        (r"b'\u00e9'", (1, 3)),
        ("9223372036854775808", (1, 1)),
        ("18446744073709551616u", (1, 1)),
        ("9" * 5000, (1, 1)),
        ("context.in", (1, 9)),
        ("if", (1, 1)),
        ("#", (1, 1)),
        ("has(context)", (1, 1)),
        ("[1].all(a.b, true)", (1, 10)),
        ("[1].optMap(a.b, true)", (1, 13)),
        ("has(context.?a)", (1, 1)),
        ("context.?a()", (1, 11)),
        ("[?]", (1, 3)),
        ("context{a: 1}", (1, 8)),
        ("-!true", (1, 2)),
        ("a\ud800", (1, 2)),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(source: str, place: tuple[int, int]) -> None:
    with pytest.raises(CelSyntaxError) as caught:
        compile_expression(source, ENVIRONMENT)

    assert (caught.value.line, caught.value.column) == place
    assert caught.value.refusal.code == "cel_syntax"
    assert caught.value.refusal.where == f"{place[0]}:{place[1]}"


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("unknown", (1, 1)),
        ("context.a +\n unknown", (2, 2)),
        ("unknown(1)", (1, 1)),
        ("context.unknown()", (1, 9)),
        ("size()", (1, 1)),
        ("size(1, 2)", (1, 1)),
        ("'a'.contains()", (1, 5)),
        ("'a' + 1", (1, 5)),
        ("1 + 1.0", (1, 3)),
        ("1 == 1u", (1, 3)),
        ("!1", (1, 1)),
        ("-'a'", (1, 1)),
        ("1 && true", (1, 1)),
        ("n ? 1 : 2", (1, 1)),
        ("true ? 1 : 'a'", (1, 6)),
        ("n.field", (1, 2)),
        ("names[true]", (1, 6)),
        ("names[0] + n", (1, 10)),
        ("names.map(x, x + 1)", (1, 16)),
        ("names.filter(x, size(x))", (1, 17)),
        ("n.map(x, x)", (1, 1)),
        ("1 in names", (1, 3)),
        ("{1.0: 2}", (1, 2)),
        ("{'a': 1, 'a': 2}", (1, 10)),
        ("int(true)", (1, 1)),
        ("inState(1)", (1, 1)),
        ("context.a.matches('(x')", (1, 19)),
        ("context.a.matches(1)", (1, 11)),
        ("timestamp(context.a).getHours('Europe/Paris')", (1, 31)),
        ("timestamp(context.a) + timestamp(0)", (1, 22)),
        ("duration('1s') - timestamp(0)", (1, 16)),
        ("duration('1s').getFullYear()", (1, 16)),
        ("timestamp(true)", (1, 1)),
        ("optional.of(1).orValue('a')", (1, 16)),
        ("optional.of(1) + 1", (1, 16)),
        ("[?1]", (1, 3)),
        ("{?'a': 1}", (1, 8)),
        ("optional.of(1).size()", (1, 16)),
        ("context.?a ? 1 : 2", (1, 8)),
        ("math.greatest()", (1, 1)),
        ("math.least('a')", (1, 1)),
        ("'a'.split()", (1, 5)),
        ("['a', 1].join(2)", (1, 10)),
        ("type(1) == 1", (1, 9)),
        ("context.?a.orElse(1)", (1, 12)),
        ("[1].map(x, x) == [x]", (1, 19)),
    ],
)
def test_what_can_never_be_evaluated_is_refused_with_its_place(source: str, place: tuple[int, int]) -> None:
    with pytest.raises(CelTypeError) as caught:
        compile_expression(source, ENVIRONMENT)

    assert (caught.value.line, caught.value.column) == place
    assert caught.value.refusal.code == "cel_type"


def test_a_guard_that_is_known_to_be_no_bool_is_refused() -> None:
    with pytest.raises(CelTypeError, match="bool is wanted"):
        compile_expression("n + 1", ENVIRONMENT, want=BOOL)


def test_the_refusal_of_a_named_time_zone_says_why_and_what_to_write() -> None:
    with pytest.raises(CelTypeError, match=r"differs by machine.*'\+01:00'"):
        compile_expression("timestamp(event.time).getDate('Europe/Paris')", ENVIRONMENT)


def test_a_function_that_the_environment_lacks_is_unknown() -> None:
    with pytest.raises(CelTypeError, match=r"digest\(\)"):
        compile_expression("digest('a')", Environment({}))


@pytest.mark.parametrize(
    "source",
    [
        "(" * 250 + "1" + ")" * 250,
        "[" * 250 + "]" * 250,
        "-" * 250 + "n",
        "!" * 250 + "true",
        "1" + " + 1" * 250,
        "true" + " && true" * 250,
        "context" + ".a" * 250,
        "context" + "[0]" * 250,
        "true ? 1 : " * 250 + "1",
        "size(" * 250 + "1" + ")" * 250,
        "{1: " * 250 + "1" + "}" * 250,
        "[1].map(x, " * 17 + "1" + ")" * 17,
        "(" * 20 + "context" + " || context) && context" * 20,
        "(1 || 1 && 1 < 1 + 1 * -f(" * 250,
    ],
)
def test_an_expression_that_nests_250_deep_is_refused(source: str) -> None:
    with pytest.raises(CelError):
        compile_expression(source, ENVIRONMENT)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("(" * 60 + "1" + ")" * 60, 1),
        ("1" + " + 1" * 95, 96),
        ("true" + " && true" * 95, True),
        ("false" + " || false && true" * 95, False),
        ("true ? 1 : " * 60 + "1", 1),
        ("[1].map(x, " * 15 + "1" + ")" * 15 + ".size()", 1),
        ("size([" * 30 + "1" + "])" * 30, 1),
    ],
)
def test_what_is_within_the_limits_is_evaluated(source: str, value: object) -> None:
    assert compile_expression(source, ENVIRONMENT).evaluate({}, {}, 0, [], None) == value


def test_a_source_of_more_than_64_kib_is_refused() -> None:
    source = "'" + "é" * (SOURCE_BYTES_MAX // 2) + "'"

    with pytest.raises(CelSyntaxError, match="65538 bytes"):
        compile_expression(source, ENVIRONMENT)


def test_an_environment_refuses_names_that_no_expression_can_use() -> None:
    with pytest.raises(ValueError, match="identifier"):
        Environment({"not a name": DYN})


def test_an_environment_refuses_functions_beyond_the_closed_list() -> None:
    with pytest.raises(ValueError, match="HOST_FUNCTIONS"):
        Environment({}, (HostFunction("system", STRING, STRING),))
