"""Packed arrays are what Postgres reads."""

from __future__ import annotations

import struct
from typing import Any

import psycopg
import pytest
from addresses import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foliot.store.arrays import PACKERS

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
LISTS = st.one_of(
    st.tuples(st.just("bool"), st.lists(st.none() | st.booleans())),
    st.tuples(st.just("bytea"), st.lists(st.none() | st.binary())),
    st.tuples(st.just("int2"), st.lists(st.none() | st.integers(-(2**15), 2**15 - 1))),
    st.tuples(st.just("int4"), st.lists(st.none() | st.integers(-(2**31), 2**31 - 1))),
    st.tuples(st.just("int8"), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just("text"), st.lists(st.none() | TEXTS)),
)


class Word(str):
    """A text of its own class, as parsers give them."""

    __slots__ = ()


@pytest.fixture(scope="module")
def cursor(database: Database) -> Any:
    with psycopg.connect(database.service) as connection:
        yield connection.cursor(binary=True)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LISTS)
def test_an_array_comes_back_as_it_went(cursor: Any, case: tuple[str, list[Any]]) -> None:
    kind, values = case

    row = cursor.execute(f"SELECT %s::{kind}[]", (PACKERS[kind](values),)).fetchone()

    found = [bytes(value) if isinstance(value, memoryview) else value for value in row[0]]
    assert found == ([] if set(values) == {None} else values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        *(("int2", [7] * 3), ("int4", [-7] * 3), ("int8", [2**62] * 3), ("bool", [False] * 3), ("bool", [True, None])),
        *(("int8", [5, 6, 5]), ("int8", [5, None, 5]), ("text", ["a", "", "x" * 1023]), ("text", ["a", "x" * 1024])),
        *(("text", ["a", "ä"]), ("text", ["ä", None]), ("bytea", [b"", b"x" * 1024])),
        *(("text", [Word("a"), None]), ("text", [Word("ä"), "x" * 1024])),
    ],
)
def test_a_column_that_is_packed_in_its_own_way_comes_back_as_it_went(
    cursor: Any, kind: str, values: list[Any]
) -> None:
    row = cursor.execute(f"SELECT %s::{kind}[]", (PACKERS[kind](values),)).fetchone()

    assert [bytes(value) if isinstance(value, memoryview) else value for value in row[0]] == values


def test_a_column_of_nulls_is_filled_up_beside_others(cursor: Any) -> None:
    names, notes = PACKERS["text"](["a", b"\xc3\xa4"]), PACKERS["int8"]([None, None])

    rows = cursor.execute("SELECT * FROM unnest(%s::text[], %s::int8[])", (names, notes)).fetchall()

    assert rows == [("a", None), ("ä", None)]


@pytest.mark.parametrize(("kind", "value"), [("int2", 2**15), ("int4", 2**31), ("int8", 2**63)])
def test_a_number_that_does_not_fit_its_type_is_refused_before_it_is_sent(kind: str, value: int) -> None:
    with pytest.raises((struct.error, OverflowError)):
        PACKERS[kind]([value])
