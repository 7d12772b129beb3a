from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.engine import About, Event, State, StateNotEncodable, StateUnreadable, Timer, decode, encode

NAMES = st.text(min_size=1, max_size=8)
INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=3),
    max_leaves=8,
)
TIMERS = st.builds(Timer, st.integers(0, 9), NAMES, JSON, INTEGERS)
ABOUT = st.builds(About, st.sampled_from(["external", "internal", "platform"]), NAMES, NAMES, NAMES)
EVENTS = st.builds(Event, NAMES, NAMES, NAMES, JSON, st.none() | NAMES, st.none(), ABOUT)
STATES = st.builds(
    State,
    st.lists(NAMES, max_size=3).map(tuple),
    st.dictionaries(NAMES, JSON, max_size=4),
    st.dictionaries(NAMES, st.lists(NAMES, max_size=2).map(tuple), max_size=2),
    st.dictionaries(NAMES, TIMERS, max_size=2),
    st.integers(0, 2**40),
    st.booleans(),
    st.dictionaries(NAMES, NAMES, max_size=2),
    st.lists(EVENTS, max_size=2).map(tuple),
)


@given(STATES)
def test_decoding_gives_back_what_was_encoded(state: State) -> None:
    encoded = encode(state)

    assert decode(encoded) == state
    assert encode(decode(encoded)) == encoded


def test_equal_states_have_equal_bytes_whatever_the_order_of_their_keys() -> None:
    one = State(("a",), {"x": 1, "y": {"b": 1, "a": 2}}, {}, {}, 1, done=False)
    other = State(("a",), {"y": {"a": 2, "b": 1}, "x": 1}, {}, {}, 1, done=False)

    assert encode(one) == encode(other)


def test_the_encoding_is_the_documented_one() -> None:
    state = State(("a.b",), {"n": 1.0}, {"a.h": ("a.b",)}, {"t": Timer(2, "e", [1], 5)}, 3, done=False)

    assert encode(state) == (
        b'{"configuration":["a.b"],"context":{"n":1.0},"done":false,"history":{"a.h":["a.b"]},"position":3,'
        b'"timers":{"t":{"armed":2,"data":[1],"due":5,"event":"e"}}}'
    )


def test_a_state_with_what_json_cannot_carry_is_refused() -> None:
    with pytest.raises(StateNotEncodable):
        encode(State(("a",), {"n": 2**70}, {}, {}, 1, done=False))


@pytest.mark.parametrize("encoded", [b"", b"[]", b"{}", b'{"configuration":1}', b'"text"'])
def test_bytes_that_are_no_state_are_refused(encoded: bytes) -> None:
    with pytest.raises(StateUnreadable):
        decode(encoded)
