from __future__ import annotations

import pytest
from unit.engine.sessions import NOW, Session, event, machine_of

from foliot.engine import (
    ContextTooLarge,
    DataTooDeep,
    DataTooLarge,
    DefinitionNotCompilable,
    EngineError,
    InternalQueueFull,
    Limits,
    MicrostepLimitReached,
    Room,
    State,
    TooManyEffects,
    TooManyTimers,
    TooMuchKept,
    UnknownConfiguration,
    compile,  # noqa: A004 - the engine's own word
    encode,
    start,
    step,
)
from foliot.engine.measures import depth_exceeds

GROWING = """
    context: {initial: {text: 'x', tree: 0}}
    initial: a
    states:
      a:
        on:
          double: {actions: [{assign: {text: context.text + context.text}}]}
          nest: {actions: [{assign: {tree: '[context.tree]'}}]}
          send: {actions: [{send: {event: out, to: {topic: t}, data: {text: context.text}}}]}
          two: {actions: [{log: "1"}, {log: "2"}]}
          arm: {actions: [{send: {event: x, delay: 1s}}]}
          keep: {actions: [{send: {event: x, delay: 1s, data: {text: context.text}}}]}
          replace: {actions: [{send: {event: x, delay: 1s, id: t, data: {text: context.text}}}]}
          raise: {actions: [{raise: x}, {raise: y}]}
"""


def refused(limits: Limits, *event_types: str) -> tuple[EngineError, Session]:
    session = Session(GROWING, limits)
    for event_type in event_types[:-1]:
        session.send(event_type)
    before = encode(session.state)
    with pytest.raises(EngineError) as error:
        session.send(event_types[-1])
    assert encode(session.state) == before
    return error.value, session


def test_a_machine_that_loops_is_stopped_and_named() -> None:
    session = Session("""
        initial: a
        states:
          a: {on: {go: b}}
          b: {always: {guard: 'true', target: c}}
          c: {always: {guard: 'true', target: b}}
    """)

    with pytest.raises(MicrostepLimitReached, match="more than 1000 microsteps") as error:
        session.send("go")

    assert error.value.refusal.where.startswith("the states ")
    assert not error.value.retryable


def test_a_way_of_many_steps_in_which_nothing_is_done_counts_like_any_other() -> None:
    states = "".join(f"s{number}: {{always: s{number + 1}}}, " for number in range(5))
    text = "{initial: a, states: {a: {on: {go: s0}}, " + states + "s5: {}}}"

    assert Session(text, Limits(microsteps_max=6)).send("go").state.configuration == ("s5",)
    with pytest.raises(MicrostepLimitReached):
        Session(text, Limits(microsteps_max=5)).send("go")


def test_raised_events_that_raise_each_other_are_stopped() -> None:
    session = Session("{initial: a, states: {a: {on: {go: {actions: [{raise: go}]}}}}}")

    with pytest.raises(MicrostepLimitReached):
        session.send("go")


@pytest.mark.parametrize(
    ("limits", "event_types", "expected"),
    [
        (Limits(context_bytes_max=1_000), ("double",) * 10, ContextTooLarge),
        (Limits(data_bytes_max=300), (*("double",) * 9, "send"), DataTooLarge),
        (Limits(depth_max=3), ("nest", "nest", "nest"), DataTooDeep),
        (Limits(effects_max=1), ("two",), TooManyEffects),
        (Limits(timers_max=2), ("arm", "arm", "arm"), TooManyTimers),
        (Limits(internal_queue_max=1), ("raise",), InternalQueueFull),
        (Limits(kept_bytes_max=1_000), (*("double",) * 8, "keep", "replace", "keep", "keep"), TooMuchKept),
    ],
)
def test_what_goes_beyond_a_limit_is_refused_and_leaves_the_state_as_it_was(
    limits: Limits, event_types: tuple[str, ...], expected: type[EngineError]
) -> None:
    error, session = refused(limits, *event_types)

    assert type(error) is expected
    assert not error.retryable
    assert session.send("unknown").outcome == "ignored"


def test_what_timers_hold_is_counted_as_it_is_after_the_step() -> None:
    session = Session(GROWING, Limits(kept_bytes_max=1_000))
    for event_type in (*("double",) * 9, *("replace",) * 3, "arm", "arm"):
        session.send(event_type)

    assert len(session.state.timers) == 3


@pytest.mark.parametrize("data", ["x" * 400, {f"name{number}": "x" for number in range(25)}])
def test_what_deferred_events_hold_is_bounded_too(data: object) -> None:
    text = "{initial: a, states: {a: {defer: x, on: {arm: {actions: [{send: {event: y, delay: 1s, data: {k: 1}}}]}}}}}"
    session = Session(text, Limits(kept_bytes_max=1_000))
    session.send("x", data)
    session.send("x", data)
    session.send("arm")
    before = encode(session.state)

    with pytest.raises(TooMuchKept):
        session.send("x", data)

    assert encode(session.state) == before


@pytest.mark.parametrize(
    ("value", "depth"), [(1, 0), ({}, 1), ([], 1), ([[]], 2), ({"a": [{}]}, 3), ([1, [2], [[3]]], 3)]
)
def test_the_depth_of_a_value_counts_its_lists_and_maps(value: object, depth: int) -> None:
    assert not depth_exceeds(value, depth)
    assert depth == 0 or depth_exceeds(value, depth - 1)


@pytest.mark.parametrize("configuration", [(), ("b",), ("a", "c"), ("p",), ("p.x",), ("p.y", "p.x")])
def test_a_configuration_of_another_version_is_refused(configuration: tuple[str, ...]) -> None:
    machine = machine_of("{initial: a, states: {a: {}, c: {}, p: {type: parallel, states: {x: {}, y: {}}}}}")

    with pytest.raises(UnknownConfiguration):
        step(machine, State(configuration, {}, {}, {}, 1, done=False), event("go"), NOW)


def test_what_a_machine_remembers_of_its_ways_is_bounded() -> None:
    session = Session("{initial: a, states: {a: {on: {'*': {actions: [{assign: {n: context.n + 1}}]}}}}}")
    memory = session.machine.memory
    memory._entries_max = 10

    for number in range(100):
        session.send(f"type{number}")

    assert session.state.context["n"] == 100
    assert len(memory.vertex(session.active).by_event) <= 10


def test_events_are_checked_against_their_schema_and_the_place_is_named() -> None:
    machine = machine_of("""
        events: {put: {schema: {type: object, properties: {list: {items: {type: integer}}}}}, free: {}}
        initial: a
        states: {a: {on: {put: a, free: a}}}
    """)

    assert machine.validate_event("put", {"list": [1, 2]}) is None
    assert machine.validate_event("free", "anything") is None
    assert machine.validate_event("unlisted", None) is None
    assert machine.validate_event("put", {"list": [1, "x"]}) == 'list[1]: "x" is not of type "integer"'
    assert machine.validate_event("put", []) == 'the value: [] is not of type "object"'


def test_a_definition_that_was_never_checked_is_refused_by_its_expression() -> None:
    machine = machine_of("{initial: a, states: {a: {on: {go: {guard: 'true', target: a}}}}}")
    tree = machine.definition.model_dump(mode="json")
    tree["root"]["children"][0]["transitions"][0]["guard"] = "1 +"

    with pytest.raises(DefinitionNotCompilable, match="guard of transition 0 of a"):
        type(machine)(machine.definition.model_validate(tree), Limits(), entries_max=10, room=Room(), around_guard=None)


def test_what_is_known_at_the_beginning_is_forgotten_too() -> None:
    machine = machine_of("{initial: a, states: {a: {on: {go: a}}}}")
    small = compile(machine.definition, entries_max=50)

    for number in range(500):
        step(small, start(small, event("birth"), NOW).state, event(f"type{number}"), NOW)

    assert len(small.memory.birth.vertex.by_event) < 50
