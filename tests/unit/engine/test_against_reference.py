"""The engine beside a second interpreter that follows the text of SCXML's appendix D, on random machines."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.engine.random_machines import NOW, deferring_definition, random_definition, random_event
from unit.engine.reference import Reference
from unit.engine.reference_deferring import DeferringReference
from unit.engine.reference_tree import Illegal, Loops

from foliot.definition import Definition
from foliot.engine import (
    Compiled,
    Event,
    IllegalTarget,
    Limits,
    Log,
    MicrostepLimitReached,
    State,
    Step,
    compile,  # noqa: A004 - the engine's own word
    decode,
    encode,
    start,
    step,
)

MICROSTEPS_MAX = 30
EVENTS = 25
LIMITS = Limits(microsteps_max=MICROSTEPS_MAX)
BIRTH = Event("birth", "test", "a", None, None)
# Compiling a machine is the slow part. The drawn seed decides everything, so that a failure can be repeated.
MANY = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
MODERATE = settings(MANY, max_examples=30)
SEEDS = st.integers(min_value=0, max_value=2**32)


@pytest.mark.parametrize(
    ("draw", "follow"),
    [(random_definition, Reference), (deferring_definition, DeferringReference)],
    ids=["which-do-not-defer", "which-defer"],
)
@MANY
@given(SEEDS)
def test_the_engine_and_the_reference_agree_on_every_step_of_random_machines(
    draw: Callable[[Random], Definition], follow: type[Reference], seed: int
) -> None:
    random = Random(seed)
    definition = draw(random)
    machine, reference = compile(definition, limits=LIMITS), follow(definition, MICROSTEPS_MAX)

    state = _both(machine, reference, None, BIRTH, NOW)
    for number in range(EVENTS):
        if state is None:
            break
        assert decode(encode(state)) == state
        event = random_event(random, state, number)
        # What both refuse leaves the instance where it was.
        state = _both(machine, reference, state, event, NOW + number) or state


@MODERATE
@given(SEEDS)
def test_every_state_has_a_legal_configuration(seed: int) -> None:
    definition, machine, life = _life(seed)

    for taken in life:
        assert _is_legal(definition, taken.state.configuration)
        assert machine.states == tuple(node.id for node in definition.root.walk())


@MODERATE
@given(SEEDS)
def test_a_life_replayed_from_its_encoded_states_with_a_machine_compiled_anew_is_the_same(seed: int) -> None:
    definition, _, life = _life(seed)
    random = Random(seed)
    random_definition(random)
    fresh = compile(definition, limits=LIMITS, entries_max=3)

    state = None
    replayed = []
    for number in range(-1, EVENTS):
        taken = _try(fresh, state, BIRTH if state is None else random_event(random, state, number), NOW + number)
        if taken is not None:
            replayed.append(taken)
            state = decode(encode(taken.state))
        elif state is None:
            break

    assert replayed == life
    assert [encode(taken.state) for taken in replayed] == [encode(taken.state) for taken in life]


@MODERATE
@given(SEEDS)
def test_a_step_leaves_the_state_that_it_starts_from_as_it_was(seed: int) -> None:
    random = Random(seed)
    machine = compile(random_definition(random), limits=LIMITS)
    born = _try(machine, None, BIRTH, NOW)
    state = None if born is None else born.state

    for number in range(EVENTS if state is not None else 0):
        assert state is not None
        before = encode(state)
        taken = _try(machine, state, random_event(random, state, number), NOW)

        assert encode(state) == before
        state = state if taken is None else taken.state


@MODERATE
@given(SEEDS)
def test_positions_count_taken_and_ignored_events_and_nothing_else(seed: int) -> None:
    _, _, life = _life(seed)

    position = 0
    for taken in life:
        position += taken.outcome != "dropped"
        assert taken.state.position == position
        assert all(timer.armed <= position for timer in taken.state.timers.values())
        assert (taken.outcome == "taken") or not taken.transitions


def _both(machine: Compiled, reference: Reference, state: State | None, event: Event, now: int) -> State | None:
    taken = _try(machine, state, event, now)
    try:
        expected = reference.start(event, now) if state is None else reference.step(state, event, now)
    except (Illegal, Loops):
        expected = None
    if taken is None and expected is not None and Log("rolled back") in expected.effects:
        # The engine refuses targets that contradict each other before the actions run that would undo the step.
        return None
    assert (None if taken is None else _without_words(taken)) == expected
    if taken is None or expected is None:
        return None
    assert list(taken.state.timers) == list(expected.state.timers)
    return taken.state


def _without_words(taken: Step) -> Step:
    """Leave out what the engine says of an error that undid a step."""
    told = [each for each in taken.effects if isinstance(each, Log) and each.text.startswith("rolled back: ")]
    return taken._replace(effects=tuple(Log("rolled back") if each in told else each for each in taken.effects))


def _try(machine: Compiled, state: State | None, event: Event, now: int) -> Step | None:
    try:
        return start(machine, event, now) if state is None else step(machine, state, event, now)
    except (IllegalTarget, MicrostepLimitReached):
        return None


def _life(seed: int) -> tuple[Definition, Compiled, list[Step]]:
    random = Random(seed)
    definition = random_definition(random)
    machine = compile(definition, limits=LIMITS)
    born = _try(machine, None, BIRTH, NOW - 1)
    life = [] if born is None else [born]
    for number in range(EVENTS if life else 0):
        taken = _try(machine, life[-1].state, random_event(random, life[-1].state, number), NOW + number)
        if taken is not None:
            life.append(taken)
    return definition, machine, life


def _is_legal(definition: Definition, configuration: tuple[str, ...]) -> bool:
    """Exactly one child of each active compound state is active, and all children of each parallel one."""
    active = {""}
    for leaf in configuration:
        parts = leaf.split(".")
        active |= {".".join(parts[: count + 1]) for count in range(len(parts))}
    for node in definition.root.walk():
        children = [child.id in active for child in node.children if child.kind != "history"]
        if node.id not in active:
            wanted = 0
        elif node.kind == "compound":
            wanted = 1
        else:
            wanted = len(children)
        if sum(children) != wanted or (node.id in active and node.kind == "history"):
            return False
    order = [node.id for node in definition.root.walk() if node.kind in {"atomic", "final"}]
    return list(configuration) == [each for each in order if each in active]
