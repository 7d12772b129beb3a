"""The event scripts of the public SCXML test framework, run by the engine after conversion."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conformance.scxml_converter import Converted, NotConvertible, convert
from shared_data import SHARED

from foliot.definition import load
from foliot.engine import Compiled, Event, State, compile, start, step  # noqa: A004 - the engine's own word

FRAMEWORK = SHARED / "scxml" / "framework"
SCRIPTS = sorted(path.relative_to(FRAMEWORK).as_posix() for path in FRAMEWORK.glob("*/*.scxml"))
NOW = 1_767_225_600_000_000
MILLISECOND = 1_000

# What is left out, and why. A script that is listed and converts, or is not listed and does not, fails its test.
NOT_CONVERTIBLE: dict[str, str] = {
    "assign-current-small-step/test0.scxml": "<assign>",
    "assign-current-small-step/test3.scxml": "<assign>",
    "assign-current-small-step/test4.scxml": "<assign>",
    "assign/assign_obj_literal.scxml": "<assign>",
    "data/data_obj_literal.scxml": "<datamodel>",
    "error/error.scxml": "the condition checkErrorData(_event.data, {tagname: 'log'})",
    "foreach/test1.scxml": "<foreach>",
    "if-else/test0.scxml": "<if>",
    "internal-transitions/test0.scxml": "the condition x === 1",
    "script-src/test0.scxml": "<script>",
    "script-src/test1.scxml": "<assign>",
    "script/test0.scxml": "<script>",
    "script/test1.scxml": "<script>",
    "send-data/send1.scxml": "<send> delayexpr eventexpr namelist",
    "send-idlocation/test0.scxml": "<send> type",
    "send-internal/test0.scxml": "<send> eventexpr namelist target",
    "targetless-transition/test0.scxml": "the condition i === 100",
    "targetless-transition/test2.scxml": "<assign>",
}


def test_the_scripts_are_there() -> None:
    if not SCRIPTS:
        pytest.skip(f"NO SCXML CONFORMANCE: the event scripts are not at {FRAMEWORK}; nothing of them was tested")

    assert len(SCRIPTS) == 72


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script not in NOT_CONVERTIBLE])
def test_each_event_leads_to_the_states_that_the_script_expects(script: str) -> None:
    converted = convert(FRAMEWORK / script)
    expected = json.loads((FRAMEWORK / script).with_suffix(".json").read_text())
    session = Session(converted)

    assert session.active() == sorted(expected["initialConfiguration"])
    for entry in expected["events"]:
        session.wait(entry.get("after", 0) * MILLISECOND)
        session.receive(entry["event"]["name"])

        assert session.active() == sorted(entry["nextConfiguration"]), entry


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script in NOT_CONVERTIBLE])
def test_what_is_left_out_cannot_be_converted_for_the_reason_given(script: str) -> None:
    with pytest.raises(NotConvertible) as refusal:
        convert(FRAMEWORK / script)

    assert str(refusal.value) == NOT_CONVERTIBLE[script]


class Session:
    """One instance with a clock and a queue of timers, which fire when they are due."""

    def __init__(self, converted: Converted) -> None:
        self.ids = converted.scxml_ids
        self.machine: Compiled = compile(load(json.dumps(converted.definition), filename="converted.json"))
        self.now = NOW
        self.state: State = start(self.machine, event("start", None), NOW).state
        self.wait(0)

    def active(self) -> list[str]:
        return sorted(self.ids[path] for path in self.state.configuration)

    def receive(self, event_type: str) -> None:
        self.state = step(self.machine, self.state, event(event_type, None), self.now).state
        self.wait(0)

    def wait(self, duration_us: int) -> None:
        end = self.now + duration_us
        while due := [
            (timer.due, timer.armed, place, timer_id)
            for place, (timer_id, timer) in enumerate(self.state.timers.items())
            if timer.due <= end
        ]:
            self.now, armed, _, timer_id = min(due)
            fired = event(self.state.timers[timer_id].event, (timer_id, armed))
            self.state = step(self.machine, self.state, fired, self.now).state
        self.now = end


def event(event_type: str, timer: tuple[str, int] | None, data: Any = None) -> Event:
    return Event("e", "script", event_type, data, None, timer)
