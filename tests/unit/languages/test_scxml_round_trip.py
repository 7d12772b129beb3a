"""What a machine does is the same after it was written as SCXML and read again."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.engine.random_machines import NOW, random_definition, random_event

from foliot.definition import dump, load
from foliot.engine import (
    Compiled,
    EngineError,
    Event,
    Limits,
    Log,
    State,
    Step,
    compile,  # noqa: A004 - the engine's own word
    start,
    step,
)
from foliot.languages.scxml import read_scxml, write_scxml

LIMITS = Limits(microsteps_max=30)
BIRTH = Event("birth", "test", "a", None, None)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0, max_value=2**32))
def test_random_machines_do_the_same_after_a_round_trip(seed: int) -> None:
    random = Random(seed)
    definition = random_definition(random)
    text = write_scxml(definition)
    again = read_scxml(text, filename="again.scxml").definition
    one, other = compile(definition, limits=LIMITS), compile(again, limits=LIMITS)

    taken = attempt(one, None, BIRTH, NOW)
    assert attempt(other, None, BIRTH, NOW) == taken, text
    state = taken.state if isinstance(taken, Step) else None
    for number in range(20):
        if state is None:
            break
        event = random_event(random, state, number)
        taken = attempt(one, state, event, NOW + number)
        assert attempt(other, state, event, NOW + number) == taken, text
        state = taken.state if isinstance(taken, Step) else state


def attempt(machine: Compiled, state: State | None, event: Event, now: int) -> Step | type[EngineError]:
    """Take a step; transitions are counted from the machine's first, whatever number that has."""
    first = min(
        (transition.index for node in machine.definition.root.walk() for transition in node.outgoing()), default=0
    )
    try:
        taken = start(machine, event, now) if state is None else step(machine, state, event, now)
    except EngineError as error:
        return type(error)
    return taken._replace(
        transitions=tuple(number - first for number in taken.transitions),
        # The words of an error name actions as the language has them.
        effects=tuple(Log("") if isinstance(effect, Log) else effect for effect in taken.effects),
    )


def test_data_that_must_have_a_value_keeps_its_expression_however_often_it_is_written() -> None:
    first = load(
        "foliot: 1\nid: m\ninitial: a\nstates: {a: {entry: [{raise: {event: e, data: {k: 1 + 2}}}]}}",
        filename="m.yaml",
    )

    second = read_scxml(write_scxml(first), filename="second.scxml").definition
    third = read_scxml(write_scxml(second), filename="third.scxml").definition

    assert third.root == second.root


def test_states_in_states_keep_their_names_so_that_the_language_itself_can_write_them_again() -> None:
    text = "foliot: 1\nid: m\ninitial: a\nstates: {a: {initial: b, states: {b: {initial: c, states: {c: {}}}}}}"
    first = load(text, filename="m.yaml")

    second = read_scxml(write_scxml(first), filename="m.scxml").definition

    assert second.root == first.root
    assert load(dump(second), filename="m.json").root == first.root
