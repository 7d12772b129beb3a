"""What is planted in random machines is found, and what is left does the same; `make optimizer` does it at length."""

from __future__ import annotations

from random import Random

import pytest
from unit.engine.random_machines import random_definition
from unit.optimizing.planting import PLANTERS, plant

from foliot.definition import Definition, load
from foliot.engine import EngineError, Event, Limits, compile, start  # noqa: A004 - the engine's own word
from foliot.optimizing import prove, rewrite

LIMITS = Limits(microsteps_max=30)
SOUND = """
foliot: 1
id: sound
context: {initial: {n: 0}}
initial: idle
states:
  idle:
    on: {a: {target: busy, actions: [{log: "'begun'"}]}}
  busy:
    initial: one
    entry: [{assign: {n: "context.n + 1"}}]
    on: {b: idle, c: [{guard: "context.n < 3", target: idle}, {target: over}]}
    states:
      one: {on: {a: two}}
      two: {on: {a: one}, exit: [{log: "'left'"}]}
  over: {type: final}
"""


def is_born(definition: Definition) -> bool:
    try:
        start(compile(definition, limits=LIMITS), Event("", "", "", None), 0)
    except EngineError:
        return False
    return True


def test_planted_redundancy_is_found_and_nothing_else_differs():
    count, missing = 0, []
    for seed in range(100, 120):
        random = Random(seed)
        definition, planted = plant(random, random_definition(random), 2)
        if not is_born(definition):
            continue

        optimized = rewrite(definition)
        proof = prove(definition, optimized, random.randrange, steps_max=100, runs=3, limits=LIMITS)

        assert proof.difference == (), seed
        count += len(planted)
        missing += [(seed, each) for each in planted if not each.is_found(optimized)]
    assert count > 20
    assert len(missing) <= count * 0.05, missing


@pytest.mark.parametrize("kind", PLANTERS)
def test_each_kind_is_found_in_a_machine_that_has_nothing_to_be_dropped(kind: str):
    sound = load(SOUND, filename="sound.yaml")
    assert rewrite(sound).removals == ()

    planter = PLANTERS[kind](Random(1), sound.root, sound.model_dump_json())
    found = planter.planted()
    assert found is not None
    root, planted = found
    definition = sound.model_copy(update={"root": root})
    optimized = rewrite(definition)

    assert all(each.is_found(optimized) for each in planted)
    assert optimized.definition.canonical() == sound.canonical()
    assert prove(definition, optimized, Random(1).randrange, steps_max=200, runs=50).difference == ()
