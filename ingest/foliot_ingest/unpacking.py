"""Records out of the bytes of a batch, as kafka-python gives them, in a tenth of its time where this is compiled.

Pure: what it does not know or does not trust it leaves to the client, which unpacks it or says what is wrong.

Source: Apache Kafka, "Message format": record batches of magic 2, varints in zigzag.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from kafka.consumer.fetcher import ConsumerRecord

from foliot_ingest.decompressing import decompress

_HEAD: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first and last timestamp, producer's
id, epoch and sequence, number of records."""
_MAGIC: Final = 2
_CODEC: Final = 0b111
"""Those of the attributes that say how the records are compressed."""
RECORDS_MAX: Final = 100_000
"""Of a batch with more records, the client gives one after the other: in a list each takes 200 bytes, and by a codec
ten million of them fit into some kilobytes."""
_CREATE_TIME: Final = 0
_INT64_BITS: Final = 64


def unpack(raw: bytes, topic: str, partition: int) -> list[Any] | None:
    """Give the batch's records, equal to those of `DefaultRecordBatch`; its CRC is the caller's to check.

    None, where it is of another magic, has any attribute but its codec (stamped by the broker, of a transaction, a
    control batch) or more than `RECORDS_MAX` records, or is not what a batch must be.
    """
    try:
        return _records(raw, topic, partition)
    except (IndexError, ValueError, struct.error):
        return None


def _records(raw: bytes, topic: str, partition: int) -> list[Any] | None:
    base_offset, _, epoch, magic, _, attributes, _, first_timestamp, *_, count = _HEAD.unpack_from(raw)
    if magic != _MAGIC or attributes & ~_CODEC or count > RECORDS_MAX:
        return None
    at = _HEAD.size
    if attributes:
        raw = decompress(attributes, raw[at:])
        at = 0
    found: list[Any] = []
    for _ in range(count):
        length, at = _varint(raw, at)
        stop = at + length
        # No attribute of a record is in use.
        _, at = _varint(raw, at)
        later, at = _varint(raw, at)
        further, at = _varint(raw, at)
        key, at = _field(raw, at)
        value, at = _field(raw, at)
        headers, header_bytes, at = _headers(raw, at)
        if at != stop:
            return None
        fields = (
            topic,
            partition,
            epoch,
            base_offset + further,
            first_timestamp + later,
            _CREATE_TIME,
            key,
            value,
            headers,
            None,
            -1 if key is None else len(key),
            -1 if value is None else len(value),
            header_bytes,
        )
        # The named tuple's own constructor takes longer.
        found.append(tuple.__new__(ConsumerRecord, fields))
    return found if at == len(raw) else None


def _headers(raw: bytes, at: int) -> tuple[list[tuple[str, bytes | None]], int, int]:
    """Give the headers, their bytes in all (-1 if there is none), and where they end."""
    count, at = _varint(raw, at)
    if count == 0:
        return [], -1, at
    if count < 0:
        raise ValueError
    found: list[tuple[str, bytes | None]] = []
    size = 0
    for _ in range(count):
        name, at = _field(raw, at)
        value, at = _field(raw, at)
        if name is None:
            raise ValueError
        found.append((name.decode(), value))
        size += len(name) + (0 if value is None else len(value))
    return found, size, at


def _field(raw: bytes, at: int) -> tuple[bytes | None, int]:
    """Give the bytes whose length stands before them, None where it is negative, and where they end."""
    size, at = _varint(raw, at)
    return (None, at) if size < 0 else (raw[at : at + size], at + size)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Give an integer, and where it ends."""
    bits = raw[at]
    at += 1
    if bits >= 128:
        bits &= 127
        shift = 7
        while True:
            more = raw[at]
            at += 1
            bits |= (more & 127) << shift
            if more < 128:
                break
            shift += 7
            if shift >= _INT64_BITS:
                raise ValueError
    return (bits >> 1) ^ -(bits & 1), at
