"""Where a reader of journals stands, as a text that it may keep and come back with.

A place in one shard is `epoch.shard.n`. A place in many is a vector of their n, packed:
version (1 byte), then as varints the epoch, the part and the number of parts, how many shards, the least n, and what
each shard's n is beyond it; then the CRC-32 of all that (4 bytes, big endian). It is written in URL-safe base64 without
padding: some 100 to 400 characters for 64 shards.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from foliot.errors import FoliotError
from foliot.runtime import SHARDS_MAX, leb128

SHARDS_AT_ONCE_MAX: Final = 256
"""Shards in one vector: so large that it fits into a header whatever their n are."""
_VERSION: Final = 1
_N_MAX: Final = 2**63 - 1
_VARINT_BYTES_MAX: Final = 9
_CHECK_BYTES: Final = 4
_CHARS_MAX: Final = 4096
_SINGLE: Final = re.compile(r"(\d{1,9})\.(\d{1,4})\.(\d{1,18})", re.ASCII)
_PACKED: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class PlaceInvalid(FoliotError):
    """What was sent as a place in the journal is none, or one of another stream."""

    code: ClassVar[str] = "place_invalid"
    remedy: ClassVar[str] = "Send the id of an event as it came, or none."

    def __init__(self, what: str) -> None:
        super().__init__(what, where="last-event-id")


@dataclass(frozen=True, slots=True)
class InstancePlace:
    """A place in the journal of one shard, under the map of an epoch: all rows up to `n` were read."""

    epoch: int
    shard: int
    n: int

    def text(self) -> str:
        """Write it."""
        return f"{self.epoch}.{self.shard}.{self.n}"

    @classmethod
    def of(cls, text: str) -> InstancePlace:
        """Read it.

        Raises:
            PlaceInvalid: it is none.
        """
        match = _SINGLE.fullmatch(text)
        if match is None:
            raise PlaceInvalid(f"{text[:64]!r} is no place in an instance's journal")
        return cls(*map(int, match.groups()))


@dataclass(frozen=True, slots=True)
class Part:
    """The shards whose number leaves the rest `part` when divided by `parts`."""

    part: int
    parts: int

    def shards(self, shards: int) -> range:
        """Give them, out of so many."""
        return range(self.part, shards, self.parts)


@dataclass(frozen=True, slots=True)
class VectorPlace:
    """A place in the journals of the shards of a part: the n of each, in their order."""

    epoch: int
    part: Part
    ns: Sequence[int]

    def text(self) -> str:
        """Write it."""
        least = min(self.ns)
        head = (self.epoch, self.part.part, self.part.parts, len(self.ns), least)
        body = bytes([_VERSION]) + leb128(head + tuple(n - least for n in self.ns))
        return base64.urlsafe_b64encode(body + _check(body)).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> VectorPlace:
        """Read it.

        Raises:
            PlaceInvalid: it is none, was changed, or comes from another version of Foliot.
        """
        body = _unpacked(text)
        if body[:1] != bytes([_VERSION]):
            raise PlaceInvalid("the place was written by another version of Foliot")
        numbers = tuple(_numbers(body[1:]))
        if len(numbers) < _HEAD_NUMBERS:
            raise PlaceInvalid("the place is cut short")
        epoch, part, parts, count, least, *beyond = numbers
        ns = tuple(least + n for n in beyond)
        if not (part < parts <= SHARDS_MAX and 1 <= count == len(ns) <= SHARDS_AT_ONCE_MAX and max(ns) <= _N_MAX):
            raise PlaceInvalid("the place names shards that cannot be")
        return cls(epoch, Part(part, parts), ns)


_HEAD_NUMBERS: Final = 6


def _check(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECK_BYTES, "big")


def _unpacked(text: str) -> bytes:
    if len(text) > _CHARS_MAX or len(text) % 4 == 1 or not _PACKED.fullmatch(text):
        raise PlaceInvalid(f"{text[:64]!r} is no place in the journals")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if check != _check(body):
        raise PlaceInvalid(f"{text[:64]!r} is no place in the journals, or was changed on its way")
    return body


def _numbers(body: bytes) -> Iterator[int]:
    """Read varints, each of at most 63 bits; what is left open at the end is refused."""
    number = shift = 0
    for byte in body:
        if shift >= 7 * _VARINT_BYTES_MAX:
            raise PlaceInvalid("the place has a number that is too large")
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise PlaceInvalid("the place is cut short")
