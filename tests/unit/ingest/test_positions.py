"""Where partitions are placed: never beyond doubt outside of a log that only looked shorter a moment ago."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import TopicPartition

from foliot.settings import Settings
from foliot_ingest.positions import Positions

PLACE = TopicPartition("foliot.events.normal", 0)


class OneLog:
    """A consumer of one partition."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.sought: list[int] = []
        self.paused = False

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    def beginning_offsets(self, _places: object, **_: object) -> dict[TopicPartition, int]:
        return {PLACE: 0}

    def end_offsets(self, _places: object, **_: object) -> dict[TopicPartition, int]:
        return {PLACE: self.end}

    def seek(self, _place: TopicPartition, offset: int) -> None:
        self.sought.append(offset)

    def pause(self, _place: TopicPartition) -> None:
        self.paused = True

    def resume(self, _place: TopicPartition) -> None:
        self.paused = False


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is stopped."""
    found: list[str] = []
    monkeypatch.setattr(Positions, "stop", lambda _self, _connection, _place, why: found.append(why))
    return found


def _place(monkeypatch: pytest.MonkeyPatch, consumer: Any, *, read_on_to: int) -> None:
    """Place the partition, whose offset in Postgres is 150; its log has grown by the time that Postgres answers."""

    def begin(*_: object) -> dict[tuple[str, int], tuple[int, None]]:
        consumer.end = read_on_to
        return {("id", 0): (150, None)}

    monkeypatch.setattr(Positions, "_begin", staticmethod(begin))
    # No record can be read before the offset of a log that is too short.
    monkeypatch.setattr("foliot_ingest.positions.have_records", lambda *_, **__: frozenset())
    Positions(Settings(), consumer, writer="test").place(connection=None, topic_ids={PLACE.topic: "id"})  # type: ignore[arg-type]


def test_a_partition_that_its_former_owner_read_on_meanwhile_is_not_stopped(
    monkeypatch: pytest.MonkeyPatch, stopped: list[str]
) -> None:
    consumer = OneLog(end=100)

    _place(monkeypatch, consumer, read_on_to=160)

    assert stopped == []
    assert (consumer.sought, consumer.paused) == ([150], False)


def test_a_partition_whose_log_ends_before_its_offset_is_stopped(
    monkeypatch: pytest.MonkeyPatch, stopped: list[str]
) -> None:
    _place(monkeypatch, OneLog(end=100), read_on_to=100)

    assert stopped == ["offset 150 is outside the log, which has 0 to 100"]
