"""What a consumer has fetched is unpacked by `unpacking`, in place of kafka-python's own loop over bytes.

The client has no public place for this, so it is done for the one release that was looked at. It reaches for three of
the client's names, which all releases since 2.1 have: a consumer's `_fetcher`, a batch's `_buffer`, and
`PartitionRecords._unpack_records`. With any other release the client unpacks by itself, and only time is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import kafka
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from foliot_ingest.decompressing import replace_codecs
from foliot_ingest.unpacking import unpack

KNOWN_RELEASE: Final = "3.0.12"
"""Of kafka-python. To move it, compare `Fetcher.PartitionRecords._unpack_records` with the one below."""


class RecordUnreadable(KafkaError):  # type: ignore[misc]  # kafka-python has no types
    """What lies at `place` will not be readable at the next look either."""

    def __init__(self, place: TopicPartition, why: str) -> None:
        super().__init__(why)
        self.place = place


class _Rest:
    """A batch that was taken from a fetch, and those after it."""

    def __init__(self, first: Any, records: Any) -> None:
        self._first = first
        self._records = records

    def next_batch(self) -> Any:
        """Give the next batch, None at the end."""
        first, self._first = self._first, None
        return self._records.next_batch() if first is None else first


def unpack_plain_batches(consumer: KafkaConsumer) -> None:
    """Let `unpack` read plain batches for a consumer that has no deserializers."""
    if kafka.__version__ == KNOWN_RELEASE:
        fetcher = consumer._fetcher  # noqa: SLF001 - see above
        fetcher.PartitionRecords = _partition_records(fetcher.PartitionRecords)


def _partition_records(base: Any) -> Any:
    """Derive the client's class of what was fetched of one partition.

    From the first batch on that is not plain, all of the fetch is the client's: transactions that were aborted, and
    the words about what is corrupt. Those come as `RecordUnreadable`, which tells the partition.
    """

    class PartitionRecords(base):  # type: ignore[misc]  # kafka-python has no types
        def _unpack_records(self, place: TopicPartition, records: Any, *deserializers: None) -> Iterator[Any]:
            last = None
            while (batch := records.next_batch()) is not None:
                unpacked = _unpacked(batch, place)
                if unpacked is None:
                    yield from super()._unpack_records(place, _Rest(batch, records), *deserializers)
                    return
                self.leader_epoch = batch.leader_epoch
                self.records_read += len(unpacked)
                self.bytes_read += batch.size_in_bytes
                for record in unpacked:
                    # Whoever asks for fewer records than there are goes on from here.
                    self.next_fetch_offset = record.offset + 1
                    yield record
                last = batch
            if last is not None:
                # The last records of a batch may be gone, its last offset is not.
                self.next_fetch_offset = last.next_offset
            self.drain()

    return _telling_what_is_unreadable(PartitionRecords)


def _telling_what_is_unreadable(base: Any) -> Any:
    class PartitionRecords(base):  # type: ignore[misc]  # kafka-python has no types
        def take(self, n: int | None = None) -> list[Any]:
            try:
                taken: list[Any] = super().take(n)
            except RecordUnreadable:
                # Else the client would ask it for more, without an end, once its partition is read again.
                self.drain()
                raise
            return taken

        def _unpack_records(self, place: TopicPartition, records: Any, *deserializers: None) -> Iterator[Any]:
            try:
                yield from super()._unpack_records(place, records, *deserializers)
            except Exception as error:
                # Of broken bytes, codecs raise anything.
                raise RecordUnreadable(place, f"offset {self.next_fetch_offset} cannot be read ({error})") from error

    return PartitionRecords


def _unpacked(batch: Any, place: TopicPartition) -> list[Any] | None:
    if not batch.validate_crc():
        return None
    return unpack(bytes(batch._buffer), place.topic, place.partition)  # noqa: SLF001 - see above


replace_codecs()
