"""What a process remembers of the registry does not outlive its connection: a server that took over may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from foliot.store import StoreUnavailable

if TYPE_CHECKING:
    from conftest import World

MACHINE = """
foliot: 1
id: counter
context: {{initial: {{total: 0}}}}
initial: counting
states: {{counting: {{on: {{added: {{actions: [{{assign: {{total: "context.total + {step}"}}}}]}}}}}}}}
"""


def test_a_version_that_was_lost_in_a_fail_over_is_not_run_from_memory(world: World) -> None:
    stepper = world.stepper()
    world.publish(MACHINE.format(step=1))
    world.publish(MACHINE.format(step=10))
    world.move("counter", 2, "new")
    world.take(world.arrival("a", "added", machine="counter"))
    world.drain(stepper)

    # A replica takes over that has not seen the second version; then another one is published under its number.
    with psycopg.connect(world.database.owner) as owner:
        owner.execute("DELETE FROM versions WHERE version = 2")
        owner.execute("UPDATE installation SET revision = revision - 2")
        owner.execute("UPDATE channels SET version = 1")
        owner.execute("DELETE FROM operations WHERE what IN ('publish', 'move_channel')")
    world.publish(MACHINE.format(step=100))
    world.move("counter", 2, "new")
    world.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'foliot-step%'")
    world.take(world.arrival("b", "added", machine="counter"))
    with pytest.raises(StoreUnavailable):
        stepper.run_batch()
    world.drain(stepper)

    assert world.state("b")["context"] == {"total": 100}
