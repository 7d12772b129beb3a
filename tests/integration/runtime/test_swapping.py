"""Machines are swapped while instances live: nothing is lost, doubled or reordered, and who cannot move says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foliot.history import show, verify
from foliot.registry import Versions

if TYPE_CHECKING:
    from conftest import World


@pytest.fixture
def three(incident: World) -> World:
    """Three versions are published, `stable` points at the first."""
    assert [incident.publish_incident(2), incident.publish_incident(3)] == [2, 3]
    return incident


def _versions(world: World) -> dict[str, int]:
    return dict(world.rows("SELECT key, version FROM instances"))


def test_a_move_for_new_instances_leaves_the_living_alone(three: World) -> None:
    three.take(three.arrival("old", "reported", {"severity": 2}))
    three.drain()
    three.move("incident", 2, "new")

    three.take(three.arrival("old", "noted", {}), three.arrival("new", "reported", {"severity": 2}))
    three.drain()

    assert _versions(three) == {"old": 1, "new": 2}


def test_a_move_for_all_takes_each_instance_at_its_next_event(three: World) -> None:
    three.take(three.arrival("a", "reported", {"severity": 2}), three.arrival("b", "reported", {"severity": 2}))
    stepper = three.stepper()
    three.drain(stepper)
    three.move("incident", 2, "all")

    three.take(three.arrival("a", "acknowledged"), three.arrival("a", "suspended"))
    three.drain(stepper)

    assert _versions(three) == {"a": 2, "b": 1}
    assert three.state("a")["configuration"] == ["open.suspended"]
    assert [kind for kind, _, _ in three.kinds("a")] == [1, 0, 2, 0, 0]


def test_an_instance_that_cannot_move_stays_says_why_and_moves_when_it_can(three: World) -> None:
    three.take(
        three.arrival("a", "reported", {"severity": 2}),
        three.arrival("a", "reprioritized", {"severity": 1}),
    )
    three.drain()
    three.move("incident", 3, "all")
    entry = three.catalog().machine(1, "incident")
    assert entry is not None

    three.take(three.arrival("a", "noted", {}))
    three.drain()
    stuck = show(three.connection, three.catalog(), entry, "a")
    three.take(three.arrival("a", "acknowledged"), three.arrival("a", "noted", {}))
    three.drain()
    moved = show(three.connection, three.catalog(), entry, "a")

    assert (stuck.version, stuck.configuration) == (1, ("open.escalated",))
    assert stuck.note is not None
    assert "open.escalated" in stuck.note
    assert (moved.version, moved.note, moved.configuration) == (3, None, ("open.working",))
    assert moved.context["seen"] == 5


def test_an_instance_born_after_a_move_for_all_is_not_moved_back(three: World) -> None:
    three.move("incident", 2, "all")
    three.move("incident", 3, "new")

    three.take(three.arrival("a", "reported", {"severity": 2}), three.arrival("a", "noted", {}))
    three.drain()

    assert _versions(three) == {"a": 3}
    assert [kind for kind, _, _ in three.kinds("a")] == [1, 0, 0]


def test_moved_instances_equal_their_fold(three: World) -> None:
    for number in range(20):
        three.take(three.arrival(f"k{number}", "reported", {"severity": 1 + number % 5}))
    three.drain()
    three.move("incident", 2, "all")
    for number in range(20):
        three.take(three.arrival(f"k{number}", "acknowledged", lane="high"))
    three.drain()

    verified = verify(three.connection, three.catalog(), Versions(10))

    assert verified.findings == []
    assert verified.rows == 20 * 4
