"""What an id was accepted with is what counts: a payload that was refused is not remembered in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foliot.runtime import take_in
from foliot.runtime.rings import turn_ring

if TYPE_CHECKING:
    from conftest import World


def _counts(world: World, *payloads: int) -> tuple[int, int, int]:
    arrivals = [world.arrival("a", "noted", {"payload": payload}, event_id="one") for payload in payloads]
    receipt = take_in(world.connection, world.catalog(), arrivals, [], [], writer="test")
    return receipt.accepted, receipt.duplicates, receipt.dead


def test_a_copy_beside_a_reused_id_is_still_a_copy(incident: World) -> None:
    _counts(incident, 1)

    assert _counts(incident, 2, 1, 2) == (0, 1, 2)


def test_a_refused_payload_is_not_taken_for_the_accepted_one_in_a_later_generation(incident: World) -> None:
    eager = incident.settings.model_copy(update={"dedupe_window_s": 1e-6})
    _counts(incident, 1)
    turn_ring(incident.connection, eager, "dedupe")
    _counts(incident, 2)
    for _ in range(7):
        turn_ring(incident.connection, eager, "dedupe")

    assert _counts(incident, 2) == (1, 0, 0)
