"""Fetched batches give what kafka-python gives for them, record by record, error by error."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import cramjam
import kafka
import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords, MemoryRecordsBuilder

from foliot_ingest import fetching
from foliot_ingest.decompressing import BATCH_BYTES_MAX, NotDecompressed, decompress
from foliot_ingest.unpacking import RECORDS_MAX, unpack

PLACE = TopicPartition("foliot.events.normal", 3)
HEAD_BYTES = 61
LENGTH_AT, MAGIC_AT, CRC_AT, ATTRIBUTES_AT, LAST_OFFSET_DELTA_END = 8, 16, 17, 21, 27
COUNT_AT = HEAD_BYTES - 4
SMALLEST = bytes((12, 0, 0, 0, 1, 1, 0))
"""A record without key, value and headers, at the offset and the time of its batch."""
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
STAMPED_BY_THE_BROKER, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
PRODUCER = 7
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"

# Lengths of one byte and of two, without the time that it takes to draw so much.
some_bytes = st.none() | st.integers(0, 90).map(bytes)
names = st.sampled_from(("", "content-type", "é", "\N{OWL}" * 20))
timestamps = st.integers(0, 2**50)
headers = st.lists(st.tuples(names, some_bytes), max_size=3)
records = st.lists(st.tuples(timestamps, some_bytes, some_bytes, headers), min_size=1, max_size=4)
codecs = st.sampled_from((GZIP, SNAPPY, LZ4, ZSTD))


@dataclass(frozen=True)
class Drawn:
    """A batch to be, offsets without a record around it; `attributes` go on top of what the builder writes."""

    records: list[Any]
    before: int = 0
    after: int = 0
    codec: int = 0
    producer: int = -1
    attributes: int = 0

    def written(self, base_offset: int) -> bytearray:
        builder = MemoryRecordsBuilder(2, 0, 1 << 20, 0, False, self.producer, 0, 0)  # noqa: FBT003
        for timestamp, key, value, head in self.records:
            builder.append(timestamp, key, value, head)
        builder.close()
        raw = bytearray(builder.buffer())
        raw[:8] = base_offset.to_bytes(8, "big")
        raw[ATTRIBUTES_AT + 1] |= self.attributes
        raw[LAST_OFFSET_DELTA_END - 1] += self.after
        return sealed(packed(raw, self.codec) if self.codec else raw)


def packed(raw: bytearray, codec: int) -> bytearray:
    """Compress the records of a batch, and say so in its head."""
    raw[HEAD_BYTES:] = COMPRESSED[codec](bytes(raw[HEAD_BYTES:]))
    raw[LENGTH_AT : LENGTH_AT + 4] = (len(raw) - LENGTH_AT - 4).to_bytes(4, "big")
    raw[ATTRIBUTES_AT + 1] |= codec
    return raw


def in_blocks(records: bytes) -> bytes:
    """Compress as snappy-java does, in blocks."""
    written = bytearray(b"\x82SNAPPY\x00\0\0\0\1\0\0\0\1")
    size = max(64, len(records) // 8)
    for begin in range(0, len(records), size):
        block = bytes(cramjam.snappy.compress_raw(records[begin : begin + size]))
        written += len(block).to_bytes(4, "big") + block
    return bytes(written)


COMPRESSED: dict[int, Callable[[bytes], bytes]] = {
    GZIP: lambda records: bytes(cramjam.gzip.compress(records)),
    SNAPPY: in_blocks,
    LZ4: lambda records: bytes(cramjam.lz4.compress(records)),
    ZSTD: lambda records: bytes(cramjam.zstd.compress(records)),
}


def sealed(raw: bytearray) -> bytearray:
    raw[CRC_AT:ATTRIBUTES_AT] = crc32c(bytes(raw[ATTRIBUTES_AT:])).to_bytes(4, "big")
    return raw


plain = st.builds(Drawn, records, st.integers(0, 2), st.integers(0, 2), producer=st.sampled_from((-1, PRODUCER)))
unusual = st.one_of(
    st.builds(Drawn, records, codec=codecs),
    st.builds(Drawn, records, codec=st.just(0) | codecs, attributes=st.just(STAMPED_BY_THE_BROKER)),
    st.builds(Drawn, records, codec=st.just(0) | codecs, producer=st.just(PRODUCER), attributes=st.just(TRANSACTIONAL)),
    st.builds(
        Drawn,
        st.sampled_from((ABORT, COMMIT)).map(lambda mark: [(0, mark, b"\0" * 6, [])]),
        producer=st.just(PRODUCER),
        attributes=st.just(TRANSACTIONAL | CONTROL),
    ),
)


def fetched(batches: list[Drawn]) -> bytes:
    raw = bytearray()
    following = 0
    for batch in batches:
        raw += batch.written(following + batch.before)
        following += batch.before + len(batch.records) + batch.after
    return bytes(raw)


def what_comes(kind: Any, raw: bytes, *, begin: int, at_once: int, aborted: int | None) -> list[Any]:
    """Take records as the client does, and note after each turn what it goes by."""
    drained: list[int] = []
    given_up = [] if aborted is None else [SimpleNamespace(first_offset=aborted, producer_id=PRODUCER)]
    part = kind(
        begin,
        PLACE,
        MemoryRecords(raw),
        isolation_level=IsolationLevel.READ_COMMITTED,
        aborted_transactions=given_up,
        on_drain=lambda each: drained.append(each.bytes_read > 0),
    )
    seen: list[Any] = []
    while part:
        try:
            seen.append(part.take(at_once))
        except CorruptRecordError as error:
            return [*seen, str(error), part.next_fetch_offset]
        except fetching.RecordUnreadable as error:
            return [*seen, str(error.__cause__), part.next_fetch_offset]
        seen.append((part.next_fetch_offset, part.leader_epoch, list(drained)))
    return seen


OURS = fetching._partition_records(Fetcher.PartitionRecords)


@given(
    st.lists(plain | unusual, min_size=1, max_size=5),
    st.integers(0, 4),
    st.integers(1, 9),
    st.none() | st.integers(0, 9),
)
def test_records_positions_and_ends_are_the_clients(
    batches: list[Drawn], begin: int, at_once: int, aborted: int | None
) -> None:
    raw = fetched(batches)

    found = what_comes(OURS, raw, begin=begin, at_once=at_once, aborted=aborted)

    assert found == what_comes(Fetcher.PartitionRecords, raw, begin=begin, at_once=at_once, aborted=aborted)


@given(plain, plain, st.data())
def test_broken_batches_end_as_the_client_ends_them(first: Drawn, second: Drawn, data: st.DataObject) -> None:
    raw = bytearray(fetched([first, second]))
    # Lengths and magic say where a batch is and what reads it: all after them may be anything.
    broken = data.draw(st.integers(len(first.written(0)) + CRC_AT, len(raw) - 1))
    raw[broken] = data.draw(st.integers(0, 255))

    found = what_comes(OURS, bytes(raw), begin=0, at_once=100, aborted=None)

    assert found == what_comes(Fetcher.PartitionRecords, bytes(raw), begin=0, at_once=100, aborted=None)


@given(plain, st.data())
def test_what_is_broken_under_a_right_sum_is_read_as_the_client_reads_it(batch: Drawn, data: st.DataObject) -> None:
    raw = batch.written(0)
    for place in data.draw(st.lists(st.integers(HEAD_BYTES, len(raw) - 1), min_size=1, max_size=3)):
        raw[place] = data.draw(st.integers(0, 255))
    sealed(raw)

    found = what_comes(OURS, bytes(raw), begin=0, at_once=100, aborted=None)

    assert found == what_comes(Fetcher.PartitionRecords, bytes(raw), begin=0, at_once=100, aborted=None)


def test_a_negative_number_of_headers_is_no_number_of_headers() -> None:
    raw = Drawn([(0, b"key", b"value", [])]).written(0)
    raw[-1] = 1

    with pytest.raises(fetching.RecordUnreadable, match="headers -1"):
        OURS(0, PLACE, MemoryRecords(sealed(raw))).take(1)


def test_what_no_codec_can_read_tells_its_partition_and_offset() -> None:
    raw = Drawn([(0, b"key", b"x" * 500, [])], codec=GZIP).written(7)
    raw[HEAD_BYTES:] = bytes(len(raw) - HEAD_BYTES)
    part = OURS(7, PLACE, MemoryRecords(sealed(raw)))

    with pytest.raises(fetching.RecordUnreadable, match="offset 7 cannot be read") as raised:
        part.take(1)

    assert raised.value.place == PLACE
    assert not part, "the client would ask it for more for ever"


def test_a_codec_that_nobody_knows_tells_its_partition_and_offset() -> None:
    raw = Drawn([(0, b"key", b"value", [])], attributes=5).written(7)

    with pytest.raises(fetching.RecordUnreadable, match="offset 7 cannot be read"):
        OURS(7, PLACE, MemoryRecords(raw)).take(1)


@given(records, codecs, st.sampled_from((0, STAMPED_BY_THE_BROKER)))
def test_compressed_records_are_what_was_compressed(drawn: list[Any], codec: int, attributes: int) -> None:
    raw = Drawn(drawn, codec=codec, attributes=attributes).written(0)

    taken = OURS(0, PLACE, MemoryRecords(raw)).take(100)

    assert [(record.key, record.value, record.headers) for record in taken] == [each[1:] for each in drawn]


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_batch_out_of_which_too_much_comes_is_unreadable_and_does_not_take_its_memory(codec: int) -> None:
    raw = packed(Drawn([(0, b"key", b"value", [])]).written(7), codec)
    raw[HEAD_BYTES:] = COMPRESSED[codec](bytes(4 * BATCH_BYTES_MAX))
    raw[LENGTH_AT : LENGTH_AT + 4] = (len(raw) - LENGTH_AT - 4).to_bytes(4, "big")
    part = OURS(7, PLACE, MemoryRecords(sealed(raw)))
    tracemalloc.start()
    try:
        with pytest.raises(fetching.RecordUnreadable, match="offset 7 cannot be read"):
            part.take(1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2 * BATCH_BYTES_MAX


def test_of_a_batch_with_very_many_records_few_are_held_at_a_time() -> None:
    raw = packed(Drawn([(0, None, b"", [])]).written(7), ZSTD)
    count = RECORDS_MAX + 1
    raw[HEAD_BYTES:] = COMPRESSED[ZSTD](SMALLEST * count)
    raw[LENGTH_AT : LENGTH_AT + 4] = (len(raw) - LENGTH_AT - 4).to_bytes(4, "big")
    raw[COUNT_AT:HEAD_BYTES] = count.to_bytes(4, "big")
    part = OURS(7, PLACE, MemoryRecords(sealed(raw)))
    tracemalloc.start()
    try:
        taken = part.take(10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert [record.offset for record in taken] == [7] * 10
    assert peak < 20 * len(SMALLEST) * count


@settings(max_examples=20)
@given(codecs, st.binary(max_size=200))
def test_bytes_that_nobody_compressed_are_refused(codec: int, noise: bytes) -> None:
    with suppress(NotDecompressed):
        assert len(decompress(codec, noise)) <= BATCH_BYTES_MAX


@given(st.binary(min_size=1, max_size=300), st.data())
def test_broken_blocks_are_refused(written: bytes, data: st.DataObject) -> None:
    broken = bytearray(in_blocks(written))
    broken[data.draw(st.integers(16, len(broken) - 1))] = data.draw(st.integers(0, 255))

    with suppress(NotDecompressed):
        assert len(decompress(SNAPPY, bytes(broken))) <= BATCH_BYTES_MAX


@pytest.mark.parametrize("size", [-1, 0, 2**31 - 1])
def test_a_block_of_an_impossible_size_is_refused(size: int) -> None:
    broken = in_blocks(b"")[:16] + size.to_bytes(4, "big", signed=True) + b"x" * 20

    with pytest.raises(NotDecompressed, match=f"a block of {size} bytes where 20 are left"):
        decompress(SNAPPY, broken)


@given(plain, st.integers(1, 100))
def test_a_batch_that_ends_early_or_late_is_left_to_the_client(batch: Drawn, size: int) -> None:
    raw = bytes(batch.written(0))

    assert unpack(raw[:-size], *PLACE) is None
    assert unpack(raw + b"\0" * size, *PLACE) is None


@given(plain | st.builds(Drawn, records, codec=codecs))
def test_plain_batches_are_not_left_to_the_client(batch: Drawn) -> None:
    found = unpack(bytes(batch.written(0)), *PLACE)

    assert found is not None
    assert [(record.key, record.value, record.headers) for record in found] == [each[1:] for each in batch.records]


@given(unusual)
def test_what_is_stamped_or_of_a_transaction_is_left_to_the_client(batch: Drawn) -> None:
    assert (unpack(bytes(batch.written(0)), *PLACE) is None) == bool(batch.attributes)


@pytest.mark.parametrize("magic", [0, 1])
def test_batches_of_older_forms_are_read_as_the_client_reads_them(magic: int) -> None:
    builder = MemoryRecordsBuilder(magic, 0, 1 << 20)
    builder.append(0, b"key", b"value")
    builder.close()
    raw = bytes(builder.buffer())

    found = what_comes(OURS, raw, begin=0, at_once=100, aborted=None)

    assert found == what_comes(Fetcher.PartitionRecords, raw, begin=0, at_once=100, aborted=None)


@pytest.mark.parametrize("magic", [0, 1, 3])
def test_what_has_another_magic_is_left_to_the_client(magic: int) -> None:
    raw = Drawn([(0, b"key", b"value", [])]).written(0)
    raw[MAGIC_AT] = magic

    assert unpack(bytes(raw), *PLACE) is None


def test_the_installed_client_is_the_one_that_was_looked_at() -> None:
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))

    fetching.unpack_plain_batches(consumer)

    assert consumer._fetcher.PartitionRecords is not Fetcher.PartitionRecords


def test_another_release_of_the_client_unpacks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "__version__", "3.1.0")
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))

    fetching.unpack_plain_batches(consumer)

    assert consumer._fetcher.PartitionRecords is Fetcher.PartitionRecords
