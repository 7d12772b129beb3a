"""What a machine does is the same after it was written as SCXML and read again."""

from __future__ import annotations

from random import Random

import pytest
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


@pytest.mark.parametrize("name", ["event", "context", "int", "my-key", "a b", "in", "plain"])
def test_data_of_any_name_are_found_again(name: str) -> None:
    guard = f"context['{name}'] == 5 && event.data.n == 1 && type(event.data.n) == int"
    go = f'{{guard: "{guard}", target: b, actions: [{{assign: {{"{name}": 6, "{name}2": event.data.n}}}}]}}'
    text = f"""
foliot: 1
id: m
context: {{initial: {{"{name}": 5}}}}
initial: a
states: {{a: {{on: {{go: {go}}}}}, b: {{}}}}
"""

    machine = compile(read_scxml(write_scxml(load(text, filename="m.yaml")), filename="m.scxml").definition)

    go_event = Event("1", "test", "go", {"n": 1})
    taken = step(machine, start(machine, go_event, NOW).state, go_event, NOW)
    assert taken.state.configuration == ("b",)
    assert taken.state.context == {name: 6, f"{name}2": 1}


def test_system_variables_are_there_still_when_a_document_is_written_again() -> None:
    text = """
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel" name="door">
  <state id="a"><transition event="go" cond="_event.name == 'go' &amp;&amp; _sessionid == ''" target="b"/></state>
  <state id="b"/>
</scxml>
"""

    first = read_scxml(text, filename="first.scxml").definition
    again = read_scxml(write_scxml(first), filename="again.scxml").definition

    assert again.system
    assert again.root == first.root


def test_a_state_may_have_the_name_of_the_state_that_stands_for_the_machine() -> None:
    first = load(
        "foliot: 1\nid: m\ninitial: _root\nentry: [{log: 1}]\nstates: {_root: {on: {e: _root_}}, _root_: {}}",
        filename="m.yaml",
    )

    again = read_scxml(write_scxml(first), filename="m.scxml").definition

    assert again.root.children == first.root.children
