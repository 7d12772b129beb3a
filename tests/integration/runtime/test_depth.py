"""How deep the inbox is, and for how long its slowest shard has stood still: what decides whether lanes must wait."""

from __future__ import annotations

from integration.runtime.conftest import World

from foliot.store import load

_INTAKE = load("intake")


def depth(world: World) -> dict[int, tuple[int, float]]:
    found = {lane: (waiting, age_s) for lane, waiting, age_s in _INTAKE["read_depth"].run(world.connection)}
    world.connection.rollback()
    return found


def set_back(world: World, table: str) -> None:
    world.connection.execute(f"UPDATE {table} SET at = at - interval '1 hour'")  # noqa: S608 - a name of this file
    world.connection.commit()


def test_a_shard_that_had_nothing_to_do_for_long_does_not_stand_still_when_work_comes(incident: World):
    set_back(incident, "cursors")

    incident.take(incident.arrival("A", "reported", {"severity": 3}, lane="low"))

    waiting, age_s = depth(incident)[3]
    assert waiting == 1
    assert age_s < 60


def test_a_shard_whose_work_is_left_alone_stands_still_since_the_work_is_there(incident: World):
    set_back(incident, "cursors")
    incident.take(incident.arrival("A", "reported", {"severity": 3}, lane="low"))
    set_back(incident, "inbox")

    assert depth(incident)[3][1] > 3600


def test_a_shard_that_was_stepped_a_moment_ago_does_not_stand_still(incident: World):
    incident.take(incident.arrival("A", "reported", {"severity": 3}, lane="low"))
    incident.drain()
    incident.take(incident.arrival("A", "noted", {"text": "again"}, lane="low"))
    set_back(incident, "inbox")

    assert depth(incident)[3][1] < 60
    assert depth(incident)[2] == (0, 0.0)
