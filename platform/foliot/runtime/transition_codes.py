"""The transitions of a step as the journal keeps them: their numbers in LEB128, a byte for each below 128."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))
"""The code of a lone transition, by its number."""


def leb128(numbers: Iterable[int]) -> bytes:
    """Write natural numbers in LEB128."""
    code = bytearray()
    for number in numbers:
        left = number
        while left > 0x7F:
            code.append(left & 0x7F | 0x80)
            left >>= 7
        code.append(left)
    return bytes(code)


def transition_code(numbers: tuple[int, ...]) -> bytes | None:
    """Write transition numbers; None where there are none."""
    if not numbers:
        return None
    if len(numbers) == 1 and numbers[0] < len(_ONE_BYTE):
        return _ONE_BYTE[numbers[0]]
    if max(numbers) <= 0x7F:
        return bytes(numbers)
    return leb128(numbers)


def transition_numbers(code: bytes | None) -> tuple[int, ...]:
    """Read what `transition_code` wrote."""
    numbers: list[int] = []
    number = shift = 0
    for byte in code or b"":
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    return tuple(numbers)
