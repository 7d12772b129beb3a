"""Timers fire once, not early, or not at all when their state was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from foliot.runtime import NoWake, sweep
from foliot.runtime.rings import turn_ring
from foliot.runtime.sweeps import fire_timers

if TYPE_CHECKING:
    from conftest import World

MACHINE = """
foliot: 1
id: reminder
context: {initial: {fired: 0}}
initial: waiting
states:
  waiting:
    after:
      200ms: {target: reminded, actions: [{assign: {fired: "context.fired + 1"}}]}
    on: {stopped: idle}
  reminded: {on: {again: waiting}}
  idle: {on: {again: waiting}}
"""

ECHO = """
foliot: 1
id: echo
context: {initial: {heard: []}}
initial: still
states:
  still:
    on:
      asked: {actions: [SENDS]}
      said: {actions: [{assign: {heard: "context.heard + [event.data.n]"}}]}
"""


@pytest.fixture
def reminder(world: World) -> World:
    world.publish(MACHINE)
    return world


def _birth(world: World, key: str = "a") -> None:
    world.take(world.arrival(key, "hello", machine="reminder", lane="high"))
    world.drain()


def _let_time_pass(world: World, table: str = "timers") -> None:
    query = sql.SQL("UPDATE {} SET due = due - interval '1 second'")
    world.connection.execute(query.format(sql.Identifier(table)))
    world.connection.commit()


def test_a_timer_is_not_fired_early(reminder: World) -> None:
    reminder.connection.execute("UPDATE installation SET revision = revision")
    _birth(reminder)
    reminder.connection.execute("UPDATE timers SET due = due + interval '1 hour'")
    reminder.connection.commit()

    assert fire_timers(reminder.connection, NoWake()) == 0


def test_a_due_timer_is_fired_once_in_the_lane_that_armed_it(reminder: World) -> None:
    _birth(reminder)
    _let_time_pass(reminder)

    fired = [fire_timers(reminder.connection, NoWake()) for _ in range(2)]
    queue = reminder.rows("SELECT queue FROM inbox WHERE kind = 1")
    reminder.drain()

    assert fired == [1, 0]
    assert queue == [(2,)]
    assert reminder.state("a")["context"] == {"fired": 1}
    assert reminder.state("a")["configuration"] == ["reminded"]


def test_leaving_the_state_cancels_its_timer(reminder: World) -> None:
    _birth(reminder)

    reminder.take(reminder.arrival("a", "stopped", machine="reminder"))
    reminder.drain()

    assert reminder.rows("SELECT count(*) FROM timers") == [(0,)]


def test_a_timer_that_was_fired_before_it_was_cancelled_is_dropped(reminder: World) -> None:
    _birth(reminder)
    _let_time_pass(reminder)
    fire_timers(reminder.connection, NoWake())

    reminder.take(reminder.arrival("a", "stopped", machine="reminder", lane="critical"))
    reminder.drain()

    assert reminder.state("a")["context"] == {"fired": 0}
    assert reminder.rows("SELECT sum(dropped) FROM batches") == [(1,)]


def test_an_old_timer_does_not_fire_for_a_newer_arming(reminder: World) -> None:
    _birth(reminder)
    _let_time_pass(reminder)
    fire_timers(reminder.connection, NoWake())

    reminder.take(
        reminder.arrival("a", "stopped", machine="reminder", lane="critical"),
        reminder.arrival("a", "again", machine="reminder", lane="critical"),
    )
    reminder.drain()

    assert reminder.state("a")["configuration"] == ["waiting"]
    assert reminder.rows("SELECT armed FROM timers") == [(4,)]


def test_a_timer_outlives_the_segment_that_it_was_written_to(reminder: World) -> None:
    _birth(reminder)
    eager = reminder.settings.model_copy(update={"timer_segment_s": 1e-6})

    for _ in range(9):
        turn_ring(reminder.connection, eager, "timers")
    moved = reminder.rows("SELECT count(*) FROM timers_late")
    _let_time_pass(reminder, "timers_late")
    fire_timers(reminder.connection, NoWake())
    reminder.drain()

    assert moved == [(1,)]
    assert reminder.state("a")["context"] == {"fired": 1}


def test_a_whole_sweep_fires_turns_and_wakes(reminder: World) -> None:
    _birth(reminder)
    _let_time_pass(reminder)

    # The rings are as old as the template of the databases, which may be some minutes.
    young = reminder.settings.model_copy(update={"inbox_segment_s": 86_400.0, "timer_segment_s": 86_400.0})
    swept = sweep(reminder.connection, young, NoWake())

    assert (swept.timers, swept.turned) == (1, ())


@pytest.mark.parametrize("id_", ["", ", id: z{left:02}"])
def test_timers_of_one_moment_fire_in_the_order_in_which_they_were_armed(world: World, id_: str) -> None:
    sends = [f"{{send: {{event: said, data: {{n: {n}}}{id_.format(left=20 - n)}}}}}" for n in range(12)]
    world.publish(ECHO.replace("SENDS", ", ".join(sends)))
    world.take(world.arrival("a", "asked", machine="echo"))
    world.drain()

    fire_timers(world.connection, NoWake())
    world.drain()

    assert world.state("a")["context"]["heard"] == list(range(12))
