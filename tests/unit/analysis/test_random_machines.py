"""Machines that nobody wrote: the analysis ends, and no random walk goes where it says that nothing goes."""

from __future__ import annotations

from typing import Any

import orjson
from drawn_machines import machines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foliot.analysis import examine
from foliot.definition import load
from foliot.engine import EngineError
from foliot.engine import compile as compile_machine
from foliot.testing import NeverRests, active_states, apply, parent_of
from foliot.testing.exploring import BEGINNING, Move

STEPS_MAX = 300


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(machines(), st.lists(st.sampled_from(["e0", "e1", "e2", "r", "s", None]), max_size=12))
def test_a_random_walk_enters_no_state_that_is_called_unreachable(
    document: dict[str, Any], events: list[str | None]
) -> None:
    definition = load(orjson.dumps(document), filename="m.json")
    found = examine(definition, steps_max=STEPS_MAX)
    proven = [each for each in found if "Not within" not in each.what and "were not tried" not in each.what]
    unreached = {each.state for each in proven if each.code == "D001"}
    dead = {each.transition for each in proven if each.code in {"D002", "D003", "D004"}}

    parents = parent_of(definition.root)
    machine, world = compile_machine(definition), BEGINNING
    for event in events:
        try:
            world, steps = apply(machine, world, Move(event))
        except (EngineError, NeverRests):
            break
        assert unreached.isdisjoint(active_states(parents, world.state.configuration))
        assert dead.isdisjoint(index for step in steps for index in step.transitions)
