"""Channels move by compare-and-set, for births or for all."""

from __future__ import annotations

import threading

import pytest
from addresses import Database
from machine_texts import door

from foliot.registry import (
    Channel,
    ChannelMoved,
    Mode,
    UnknownChannel,
    UnknownVersion,
    VersionDeprecated,
    deprecate,
    list_channels,
    load_catalog,
    move_channel,
    publish,
)
from foliot.store import Connection, connect


@pytest.fixture(autouse=True)
def three_versions(connection: Connection) -> None:
    for steps in (1, 2, 3):
        publish(connection, "default", door(steps=steps), filename="door.yaml", by="ann")


def _move(
    connection: Connection,
    version: int,
    *,
    mode: Mode = "new",
    channel: str = "stable",
    expected: int | None = None,
    operation_id: str | None = None,
) -> Channel:
    return move_channel(
        connection,
        "default",
        "door",
        channel,
        version,
        mode=mode,
        expected_revision=expected,
        operation_id=operation_id,
        by="ann",
    )


def test_mode_new_moves_births_alone(connection: Connection) -> None:
    moved = _move(connection, 2)

    assert moved == Channel("stable", load_catalog(connection).revision, 2, None, None)
    assert list_channels(connection, "default", "door") == (moved,)


def test_mode_all_moves_live_instances_too_and_mode_new_leaves_them_there(connection: Connection) -> None:
    for_all = _move(connection, 2, mode="all")
    for_births = _move(connection, 3)

    assert (for_all.all_version, for_all.all_revision) == (2, for_all.revision)
    assert for_births == Channel("stable", for_all.revision + 1, 3, for_all.revision, 2)


def test_a_lost_comparison_names_the_present_revision_and_version(connection: Connection) -> None:
    seen = list_channels(connection, "default", "door")[0].revision
    moved = _move(connection, 2, expected=seen)

    with pytest.raises(ChannelMoved) as caught:
        _move(connection, 3, expected=seen)

    assert (caught.value.revision, caught.value.version) == (moved.revision, 2)
    assert list_channels(connection, "default", "door") == (moved,)


def test_a_repeated_operation_answers_the_same_and_changes_nothing(connection: Connection) -> None:
    seen = list_channels(connection, "default", "door")[0].revision
    first = _move(connection, 2, expected=seen, operation_id="move-1")
    _move(connection, 3)
    revision = load_catalog(connection).revision

    again = _move(connection, 2, expected=seen, operation_id="move-1")

    assert again == first
    assert load_catalog(connection).revision == revision
    assert list_channels(connection, "default", "door")[0].version == 3


def test_a_new_channel_is_made_only_where_none_is_expected(connection: Connection) -> None:
    with pytest.raises(UnknownChannel, match="Did you mean 'stable'"):
        _move(connection, 2, channel="stabel")

    canary = _move(connection, 2, channel="canary", expected=0)

    assert [channel.name for channel in list_channels(connection, "default", "door")] == ["canary", "stable"]
    with pytest.raises(ChannelMoved):
        _move(connection, 3, channel="canary", expected=0)
    assert canary.version == 2


def test_a_channel_moves_to_no_missing_and_no_deprecated_version(connection: Connection) -> None:
    deprecate(connection, "default", "door", 3, by="ann")

    with pytest.raises(UnknownVersion):
        _move(connection, 4)
    with pytest.raises(VersionDeprecated):
        _move(connection, 3)


def test_of_many_who_saw_the_same_revision_one_moves_the_channel(
    connection: Connection, fresh_database: Database
) -> None:
    seen = list_channels(connection, "default", "door")[0].revision
    connection.rollback()
    results: list[Channel | ChannelMoved] = []

    def move(version: int) -> None:
        with connect(fresh_database.service, application="racer") as own:
            try:
                results.append(_move(own, version, expected=seen))
            except ChannelMoved as error:
                results.append(error)

    racers = [threading.Thread(target=move, args=(1 + number % 3,)) for number in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    winners = [result for result in results if isinstance(result, Channel)]
    assert len(results) == 6
    assert list(list_channels(connection, "default", "door")) == winners
