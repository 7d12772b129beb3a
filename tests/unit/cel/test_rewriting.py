"""Names in expressions, and values as expressions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.cel import DYN, Environment, compile_expression, free_names, literal, to_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # A lone surrogate is no character.
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab'\\\"\n", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_value_written_as_a_literal_is_that_value(value: object) -> None:
    program = compile_expression(literal(value), Environment({"unused": DYN}))

    assert to_json(program.evaluate(None)) == value


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a + b.a", {(0, "a", False), (4, "b", False)}),
        ("f(a) + a.g(b)", {(0, "f", True), (2, "a", False), (7, "a", False), (11, "b", False)}),
        ("a.all(x, x > y) && x", {(0, "a", False), (13, "y", False), (19, "x", False)}),
        ("{a: [b]}['a'] ? -c : !d", {(1, "a", False), (5, "b", False), (17, "c", False), (22, "d", False)}),
        ("a.map(b, b > c, b + d)", {(0, "a", False), (13, "c", False), (20, "d", False)}),
        ("'a' in a", {(7, "a", False)}),
    ],
)
def test_names_that_no_macro_binds_are_found_with_their_places(source: str, names: set[tuple[int, str, bool]]) -> None:
    assert set(free_names(source)) == names


@pytest.mark.parametrize("value", [2**63, float("inf"), float("nan"), object()])
def test_what_cel_cannot_write_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no literal"):
        literal(value)
