"""Transition numbers come back from their code as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from foliot.runtime.transition_codes import transition_code, transition_numbers


@given(st.lists(st.integers(0, 2**20)).map(tuple))
def test_numbers_come_back_from_their_code(numbers: tuple[int, ...]) -> None:
    code = transition_code(numbers)

    assert transition_numbers(code) == numbers


def test_a_number_below_128_takes_one_byte() -> None:
    code = transition_code((0, 127, 128))

    assert code == b"\x00\x7f\x80\x01"
