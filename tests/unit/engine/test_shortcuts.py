"""Steps that go a shortcut beside the same steps on the long way."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.engine.random_machines import NOW, random_definition, random_event
from unit.engine.sessions import event, machine_of

from foliot.definition import load
from foliot.engine import (
    Compiled,
    ContextTooLarge,
    DataTooDeep,
    EngineError,
    Event,
    Limits,
    State,
    Step,
    compile,  # noqa: A004 - the engine's own word
    start,
    step,
)
from foliot.engine.shortcuts import take_birth_shortcut, take_shortcut

LIMITS = Limits(microsteps_max=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0, max_value=2**32), st.booleans())
def test_both_ways_lead_to_the_same_state_with_the_same_effects(seed: int, quiet: bool) -> None:  # noqa: FBT001
    random = Random(seed)
    definition = random_definition(random, quiet=quiet)
    machine = compile(definition, limits=LIMITS)
    # What sees SCXML's system variables always takes the long way; nothing in these machines looks at them.
    long_way = compile(definition.model_copy(update={"system": True}), limits=LIMITS)
    state: State | None = None
    for number in range(-1, 25):
        happened = Event("birth", "test", "a", None) if state is None else random_event(random, state, number)
        seen = [_run(each, state, happened, NOW + number) for each in (machine, long_way)]
        assert seen[0] == seen[1]
        if isinstance(seen[0], Step):
            state = seen[0].state
        elif state is None:
            return


def test_machines_that_do_nothing_but_assign_go_the_short_way() -> None:
    taken = 0
    for seed in range(20):
        random = Random(seed)
        machine = compile(random_definition(random, quiet=True), limits=LIMITS)
        born = _run(machine, None, Event("birth", "test", "a", None), NOW)
        if not isinstance(born, Step):
            continue
        state = born.state
        happened = [random_event(random, state, number) for number in range(20)]
        taken += sum(take_shortcut(machine, state, each) is not None for each in happened)

    assert taken > 100


BIRTHS = {
    "it goes on by itself": "initial: a, states: {a: {always: {target: b, actions: [{assign: {n: 1}}]}}, b: {}}",
    "it goes on for as long as it may": "initial: a, states: {a: {always: b}, b: {always: c}, c: {}}",
    "it goes on for longer": "initial: a, states: {a: {always: b}, b: {always: c}, c: {always: d}, d: {}}",
    "it asks a guard": "initial: a, states: {a: {always: {guard: context.n == 0, target: b}}, b: {}}",
    "it sees the event": "entry: [{assign: {n: event.type}}]",
    "an action has no value": "entry: [{assign: {n: context.gone}}]",
    "a value is too large": "entry: [{assign: {n: context.long + context.long}}]",
    "it leaves what it will remember": (
        "initial: a, states: {a: {initial: x, states: {x: {}, h: {history: shallow}}, always: b}, b: {}}"
    ),
    "it is over at once": "initial: a, states: {a: {type: final}}",
    "a timeout is set": "initial: a, states: {a: {after: {1s: a}}}",
    "it tells something": "entry: [{log: context.n}]",
}


@pytest.mark.parametrize("text", BIRTHS.values(), ids=BIRTHS)
def test_an_instance_is_born_on_the_short_way_as_on_the_long_one(text: str) -> None:
    text = f"{{foliot: 1, id: m, context: {{initial: {{n: 0, long: {'y' * 60}}}}}, {text}}}"
    limits = Limits(microsteps_max=3, context_bytes_max=100)
    machine = compile(load(text, filename="m.yaml"), limits=limits)
    long_way = compile(machine.definition.model_copy(update={"system": True}), limits=limits)

    assert _run(machine, None, event("birth"), NOW) == _run(long_way, None, event("birth"), NOW)


def test_births_that_do_nothing_but_assign_go_the_short_way() -> None:
    short = []
    for name, text in BIRTHS.items():
        machine = compile(load(f"{{foliot: 1, id: m, context: {{initial: {{n: 0}}}}, {text}}}", filename="m.yaml"))
        if take_birth_shortcut(machine, event("birth")) is not None:
            short.append(name)

    assert short == [
        "it goes on by itself",
        "it goes on for as long as it may",
        "it goes on for longer",
        "it sees the event",
        "it leaves what it will remember",
    ]


@pytest.mark.parametrize(
    "value", ["'x' + context.seen", "[context.n]", "{'a': [event.data]}", "b'abc'", "context.nothing"]
)
def test_values_of_all_kinds_come_out_as_on_the_long_way(value: str) -> None:
    text = f"""
        context: {{initial: {{n: 7, seen: '{"y" * 300}', value: 0, nothing: null}}}}
        initial: a
        states:
          a: {{on: {{go: {{actions: [{{assign: {{value: "{value}"}}}}]}}}}}}
    """
    machine = machine_of(text)
    long_way = compile(machine.definition.model_copy(update={"system": True}))
    state = start(machine, event("birth"), NOW).state

    happened = event("go", {"k": [1, "two", None]})
    assert step(machine, state, happened, NOW) == step(long_way, state, happened, NOW)


def test_a_context_that_grows_past_a_limit_is_refused() -> None:
    text = """
        context: {initial: {text: "0123456789", tree: 0}}
        initial: a
        states:
          a:
            on:
              double: {actions: [{assign: {text: context.text + context.text}}]}
              nest: {actions: [{assign: {tree: "[[[context.tree]]]"}}]}
    """
    machine = machine_of(text, Limits(context_bytes_max=1_000, depth_max=8))
    state = start(machine, event("birth"), NOW).state

    with pytest.raises(ContextTooLarge):
        _all(machine, state, "double", 10)
    with pytest.raises(DataTooDeep):
        _all(machine, state, "nest", 5)


def _run(machine: Compiled, state: State | None, happened: Event, now: int) -> Any:
    try:
        return start(machine, happened, now) if state is None else step(machine, state, happened, now)
    except EngineError as error:
        return error.refusal


def _all(machine: Compiled, state: State, event_type: str, count: int) -> None:
    for _ in range(count):
        state = step(machine, state, event(event_type), NOW).state
