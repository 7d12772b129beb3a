"""What a machine does is the same after it was written as XState and read again."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from conformance.xstate.machines import random_machine
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from unit.engine.random_machines import EVENTS, NOW, random_event

from foliot.definition import check, load
from foliot.engine import (
    Compiled,
    EngineError,
    Event,
    IllegalTarget,
    Limits,
    State,
    Step,
    compile,  # noqa: A004 - the engine's own word
    start,
    step,
)
from foliot.languages.xstate import read_xstate, write_xstate

LIMITS = Limits(microsteps_max=30)
BIRTH = Event("birth", "test", "a", None, None)
TRANSLATED = frozenset({"on", "always", "onDone", "after", "states", "target"})
LOST = (
    *("is taken beside one", "begins in one child", "history states has no actions", "before its own onDone"),
    "leads back into what is active",
)
"""What is left out for good; other differences are XState's, and Foliot reads back what it wrote."""
SEEDS = st.integers(min_value=0, max_value=2**32)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS)
def test_machines_of_xstate_do_the_same_after_a_round_trip(seed: int) -> None:
    random = Random(seed)
    first = read_xstate(json.dumps(random_machine(random)), filename="m.xstate.json").definition
    text = write_xstate(first).text

    again = read_xstate(text, filename="again.xstate.json").definition

    assert_same(compile(first, limits=LIMITS), compile(again, limits=LIMITS), random, text)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(SEEDS)
@example(1470)  # A transition that a history state leads back, beside one above it.
def test_machines_of_foliot_do_the_same_after_a_round_trip_where_nothing_is_left_out(seed: int) -> None:
    random = Random(seed)
    text = json.dumps(as_foliot_says(random_machine(random), random))
    # What the order of descriptors hides is refused as never taken.
    assume(all(each.severity == "warning" for each in check(text, filename="m.json")))
    first = load(text, filename="m.json")
    written = write_xstate(first)
    assume(not any(word in left.reason for left in written.left_out for word in LOST))
    again = read_xstate(written.text, filename="again.xstate.json").definition

    assert_same(compile(first, limits=LIMITS), compile(again, limits=LIMITS), random, written.text)


def as_foliot_says(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """Write a machine of XState in Foliot's language, with what only that has; its meaning is that language's."""
    section = document.pop("foliot")
    root = _body(document, section, random)
    return {"foliot": 1, **root, "context": {"initial": document["context"]}}


def _body(body: dict[str, Any], section: dict[str, Any], random: Random) -> dict[str, Any]:
    said = {key: value for key, value in body.items() if key not in TRANSLATED}
    if isinstance(said.get("initial"), dict):
        said["initial"] = said["initial"]["target"]
    said |= {key: _actions(body[key], section, random) for key in ("entry", "exit") if key in body}
    for key in ("on", "after"):
        groups = {
            each.removeprefix("xstate."): _edges(group, section, random) for each, group in body.get(key, {}).items()
        }
        said |= {key: dict(random.sample(list(groups.items()), len(groups)))} if groups else {}
    said |= {key: _edges(body[key], section, random) for key in ("always", "onDone") if key in body}
    if "target" in body:
        said["target"] = body["target"].replace("#m.", "#")
    if "on" in said and random.random() < 0.2:
        said["defer"] = ["c"]
    if "output" in said and random.random() < 0.5:
        said["output"] = {"n": "context.n"}
    states = {name: _body(child, section, random) for name, child in body.get("states", {}).items()}
    return said | ({"states": states} if states else {})


def _edges(edges: Any, section: dict[str, Any], random: Random) -> list[dict[str, Any]]:
    written = []
    for edge in edges if isinstance(edges, list) else [edges]:
        said = dict(edge)
        if "target" in edge:
            listed = [edge["target"]] if isinstance(edge["target"], str) else edge["target"]
            said["target"] = [each.replace("#m.", "#") for each in listed]
        if "guard" in edge:
            name = edge["guard"] if isinstance(edge["guard"], str) else edge["guard"]["type"]
            said["guard"] = section["guards"][name].replace("params.least", "2")
        if "actions" in edge:
            said["actions"] = _actions(edge["actions"], section, random)
        written.append(said)
    return written


def _actions(names: list[Any], section: dict[str, Any], random: Random) -> list[dict[str, Any]]:
    meant = [section["actions"][each if isinstance(each, str) else each["type"]] for each in names]
    said: list[dict[str, Any]] = json.loads(
        json.dumps([each for group in meant for each in group]).replace("params.by", "3")
    )
    more: list[dict[str, Any]] = [
        {"send": {"event": "out", "to": {"topic": "topic"}, "data": {"n": "context.n"}}},
        {"foreach": {"array": "[1, 2]", "item": "n", "actions": [{"log": "context.n"}]}},
        {"block": [{"assign": {"n": "context.missing"}}, {"raise": "a"}]},
    ]
    return [*said, random.choice(more)] if random.random() < 0.2 else said


def assert_same(one: Compiled, other: Compiled, random: Random, text: str) -> None:
    taken = attempt(one, None, BIRTH, NOW)
    if taken is not IllegalTarget:
        assert attempt(other, None, BIRTH, NOW) == taken, text
    for number in range(20):
        if not isinstance(taken, Step):
            return
        state = taken.state
        happening = random_event(random, state, number) if state.timers else plain_event(random, number)
        taken = attempt(one, state, happening, NOW + number)
        # A history state that leads back to where its transition begins is read as one that leaves it.
        if taken is not IllegalTarget:
            assert attempt(other, state, happening, NOW + number) == taken, text


def plain_event(random: Random, number: int) -> Event:
    return Event(f"e{number}", "test", random.choice((*EVENTS, "c", "unknown")), {"k": number}, None)


def attempt(machine: Compiled, state: State | None, event: Event, now: int) -> object:
    """Take a step; transitions are numbered anew by what is written, so their numbers are no matter."""
    try:
        taken = start(machine, event, now) if state is None else step(machine, state, event, now)
    except EngineError as error:
        return type(error)
    return taken._replace(transitions=())


def test_a_text_that_speaks_of_a_state_stays_as_it_is() -> None:
    said = "'inState(\"a\") ' + string(inState('a'))"
    first = load(
        json.dumps({"foliot": 1, "id": "m", "initial": "a", "states": {"a": {"entry": [{"log": said}]}}}),
        filename="m.json",
    )

    again = read_xstate(write_xstate(first).text, filename="m.xstate.json").definition

    assert again.root == first.root
