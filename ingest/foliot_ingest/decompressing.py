"""What Kafka's producers have compressed, by any of its codecs and up to a bound, in place of kafka-python's own way.

The client wants a library of its own for each of three codecs, and gives up a whole partition without it; the fourth
lets four megabytes of a record batch grow to four gigabytes of memory.

Source: Apache Kafka, "Message format" (attributes of a batch); snappy-java, SnappyOutputStream (its blocks).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import cramjam
import kafka.codec
from kafka.record import default_records, legacy_records

BATCH_BYTES_MAX: Final = 16 * 1024 * 1024
"""What may come out of one batch. Producers pack one of at most a few MB; a header of two bytes takes 70 of memory."""
_ROOM_MIN: Final = 8 * 1024
_LIKELY_RATIO: Final = 8
_NAMES: Final[Mapping[int, str]] = MappingProxyType({1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"})
_SNAPPY: Final = 2
_BLOCKS: Final = b"\x82SNAPPY\x00"
"""What snappy-java begins with: this, two versions, and blocks with their sizes."""
_BLOCKS_HEAD_BYTES: Final = 16
_SIZE: Final = struct.Struct(">i")


class NotDecompressed(ValueError):
    """The bytes are broken, or more comes out of them than may."""


def decompress(codec: int, packed: bytes) -> bytes:
    """Give the records of a batch that was compressed by `codec`, a number as in the batch's attributes.

    Raises:
        NotDecompressed: they are broken, more comes out than `BATCH_BYTES_MAX`, or nobody knows the codec.
    """
    name = _NAMES.get(codec)
    if name is None:
        raise NotDecompressed(f"there is no codec {codec}")
    try:
        if codec == _SNAPPY:
            return _from_snappy(packed)
        return _filled(getattr(cramjam, name).decompress_into, packed)
    except (cramjam.DecompressionError, struct.error) as error:
        raise NotDecompressed(f"{name}: {error}") from error


def replace_codecs() -> None:
    """Let kafka-python read every codec in this way."""
    for codec, name in _NAMES.items():
        setattr(kafka.codec, f"has_{name}", _is_there)
        for module in (default_records, legacy_records):
            setattr(module, f"{name}_decode", partial(decompress, codec))


def _is_there() -> bool:
    return True


def _filled(decompress_into: Callable[[bytes, bytearray], int], packed: bytes) -> bytes:
    room_bytes = max(_ROOM_MIN, len(packed))
    while True:
        room_bytes = min(_LIKELY_RATIO * room_bytes, BATCH_BYTES_MAX)
        room = bytearray(room_bytes)
        try:
            return bytes(memoryview(room)[: decompress_into(packed, room)])
        except cramjam.DecompressionError:
            # Too little room, or broken: the last look tells.
            if room_bytes == BATCH_BYTES_MAX:
                raise


def _from_snappy(packed: bytes) -> bytes:
    if not packed.startswith(_BLOCKS):
        return _from_block(packed, BATCH_BYTES_MAX)
    blocks: list[bytes] = []
    left, at = BATCH_BYTES_MAX, _BLOCKS_HEAD_BYTES
    while at < len(packed):
        (size,) = _SIZE.unpack_from(packed, at)
        at += _SIZE.size
        if not 0 < size <= len(packed) - at:
            raise NotDecompressed(f"snappy: a block of {size} bytes where {len(packed) - at} are left")
        blocks.append(_from_block(packed[at : at + size], left))
        left -= len(blocks[-1])
        at += size
    return b"".join(blocks)


def _from_block(block: bytes, left: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > left:
        raise NotDecompressed(f"snappy: more than {BATCH_BYTES_MAX} bytes come out")
    return bytes(cramjam.snappy.decompress_raw(block))
