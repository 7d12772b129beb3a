"""An instance that was released steps all that it held, however long that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foliot.runtime import redrive

if TYPE_CHECKING:
    from conftest import World

STUCK = """
foliot: 1
id: stuck
context: {initial: {seen: 0}}
initial: calm
states:
  calm:
    on:
      counted: {actions: [{assign: {seen: "context.seen + 1"}}]}
      looped: one
  one: {always: [{target: two, guard: "context.seen >= 0"}]}
  two: {always: [{target: one, guard: "context.seen >= 0"}]}
"""
# What is left of the loop is one harmless step.
MENDED = STUCK.replace("looped: one", "looped: {}")


def test_batches_that_only_drain_are_not_taken_for_deaths(world: World) -> None:
    world.publish(STUCK)
    types = ("counted", "looped", *("counted",) * 12)
    world.take(*(world.arrival("a", type_, machine="stuck") for type_ in types))
    world.drain()
    world.publish(MENDED)
    world.move("stuck", 2, "all")
    [(letter,)] = world.rows("SELECT id FROM dead_letters")

    redrive(world.connection, world.catalog(), world.settings, letter, by="test")
    world.drain(world.stepper(step_batch=2))

    assert world.rows("SELECT code, status FROM dead_letters") == [("engine_failed", "redriven")]
    assert world.rows("SELECT mode FROM instances") == [("running",)]
    assert world.state("a")["context"] == {"seen": 13}
