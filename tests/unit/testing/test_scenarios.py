"""Scenarios: what is expected is compared with what happens, and what is wrong with a file is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from foliot.definition import load
from foliot.engine import compile as compile_machine
from foliot.testing import Played, Scenario, narrate, play, read_scenarios
from foliot.testing.scenarios import check_against

MACHINE = compile_machine(
    load(
        """
foliot: 1
id: ticket
context: {schema: {properties: {count: {type: integer}}}, initial: {count: 0}}
events: {add: {schema: {type: object, properties: {by: {type: integer, minimum: 1}}, required: [by]}}}
initial: idle
states:
  idle:
    entry: [{log: "'idle'"}]
    on:
      add:
        - guard: "event.data.by < 10"
          target: busy
          actions: [{assign: {count: "context.count + event.data.by"}}]
  busy:
    after: {5m: idle}
    on:
      again: {actions: [{send: {event: told, to: {topic: t}, data: {count: context.count}}}]}
      loop: {actions: [{raise: loop}]}
      end: over
  over: {type: final}
""",
        filename="ticket.yaml",
    )
)


def played(*steps: dict[str, Any], **given: Any) -> Played:
    return play(MACHINE, Scenario.model_validate({"name": "a scenario", "given": given, "steps": steps}))


ADD = {"event": "add", "data": {"by": 3}}


@pytest.mark.parametrize(
    ("expected", "what", "seen"),
    [
        ({"outcome": "ignored"}, "the outcome", "taken"),
        ({"in": ["idle"]}, "the active states", "busy"),
        ({"not_in": ["busy"]}, "the active states", "busy"),
        ({"configuration": ["idle"]}, "the configuration", "busy"),
        ({"context": {"count": 4}}, "context.count", "3"),
        ({"context": {"count": True}}, "context.count", "3"),
        ({"context": {"other": 4}}, "context.other", "nothing"),
        ({"absent": ["count"]}, "context.count", "3"),
        ({"holds": ["context.count > 3"]}, "context.count > 3", "false"),
        ({"holds": ["context.other > 3"]}, "context.other > 3", "no value"),
        ({"effects": []}, "effect 1", '{"log":"idle"}'),
        ({"effects": [{"log": "busy"}]}, "effect 1", '{"log":"idle"}'),
        ({"effects": [{"log": "idle"}, {"send": {"event": "x"}}]}, "effect 2", "nothing"),
        ({"timers": {}}, "the timer after.300000.busy", "due in 5m"),
        ({"timers": {"after.300000.busy": "4m"}}, "the timer after.300000.busy", "due in 5m"),
        ({"timers": {"after.300000.busy": "5m", "x": "1s"}}, "the timer x", "not armed"),
        ({"done": True}, "whether it is done", "false"),
    ],
)
def test_what_is_not_as_expected_is_told(expected: dict[str, Any], what: str, seen: str):
    [mismatch] = played({**ADD, "expect": expected}).mismatches

    assert mismatch.what == what
    assert mismatch.seen.startswith(seen)


def test_what_is_as_expected_passes():
    expected = {
        "outcome": "taken",
        "in": ["busy"],
        "not_in": ["idle"],
        "configuration": ["busy"],
        "context": {"count": 3},
        "absent": ["other"],
        "holds": ["context.count == event.data.by && inState('busy')"],
        "effects": [{"log": "idle"}],
        "timers": {"after.300000.busy": "5m"},
        "done": False,
    }

    assert played({**ADD, "expect": expected}).passed


def test_time_passes_only_when_it_is_told():
    told = played(
        {**ADD, "at": "1m"},
        {"advance": "4m", "expect": {"in": ["busy"], "timers": {"after.300000.busy": "1m"}}},
        {"at": "6m", "expect": {"in": ["idle"], "effects": [{"log": "idle"}]}},
    )

    assert told.passed, told.mismatches


def test_effects_are_compared_as_far_as_they_are_told():
    told = played(ADD, {"event": "again", "expect": {"effects": [{"send": {"event": "told", "data": {"count": 3}}}]}})
    other = played(ADD, {"event": "again", "expect": {"effects": [{"send": {"event": "told", "data": {}}}]}})

    assert told.passed
    assert not other.passed


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ({"event": "add", "data": {"by": 0}}, "refused"),
        ({"event": "add", "data": {"by": 10}}, "ignored"),
        ({"event": "unheard"}, "ignored"),
    ],
)
def test_an_event_may_change_nothing(step: dict[str, Any], outcome: str):
    assert played({"advance": "0s"}, {**step, "expect": {"outcome": outcome, "in": ["idle"]}}).passed
    assert played({**step, "expect": {"outcome": outcome}}).passed
    assert not played({**step, "expect": {"outcome": "taken"}}).passed


def test_an_event_that_is_refused_bears_nobody():
    assert played(
        {"event": "add", "data": {}, "expect": {"outcome": "refused", "configuration": [], "effects": []}}
    ).passed


def test_a_step_at_which_the_engine_stops_fails_unless_that_is_expected():
    assert "microsteps" in played(ADD, {"event": "loop"}).mismatches[0].seen
    assert played(ADD, {"event": "loop", "expect": {"outcome": "failed", "in": ["busy"]}}).passed


def test_a_state_can_be_given_and_its_timers_run():
    told = played(
        {"advance": "5m", "expect": {"in": ["idle"], "context": {"count": 7}}}, state=["busy"], context={"count": 7}
    )

    assert told.passed, told.mismatches


def test_a_given_state_that_cannot_be_is_a_mismatch():
    assert played(ADD, state=["idle", "busy"]).mismatches[0].path == ("given", "state")


def test_the_first_step_that_is_not_as_expected_ends_it_and_the_way_there_is_told():
    ended = played({"event": "end", "expect": {"in": ["busy"]}}, {"event": "end"}, events=[ADD, {"advance": "1m"}])

    assert list(narrate(ended)) == ['add {"by":3} → busy', "after 1m → busy", "end → over"]


FILE = """\
machine: ticket.yaml
scenarios:
  - name: a ticket
    steps:
      - {event: add, data: {by: 3}, expect: {in: [busy]}}
"""


def test_a_good_file_is_read():
    reading = read_scenarios(FILE, filename="ticket.test.yaml")

    assert reading.diagnostics == ()
    assert reading.scenarios is not None
    assert reading.place("scenarios", 0, "steps", 0, "expect", "in").line == 5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("machine: ticket.yaml", "", "2:1: error D202: The key 'machine' is missing."),
        (
            "name:",
            "nmae:",
            "3:5: error D201: The key 'nmae' is not known here. [scenarios[0].nmae]\n    Did you mean 'name'?",
        ),
        ("event: add", "evnt: add", "5:10: error D201: The key 'evnt' is not known here."),
        ("data: {by: 3}", "data: {by: &a 3}", "5:33: error D105"),
        ("event: add, data", "data", "5:9: error D202: Nothing happens here."),
        ("event: add", "event: 3", "5:17: error D203: 'event' cannot be this: Input should be a valid string."),
        ("data: {by: 3}", "advance: 3w", "5:31: error D204"),
        ("data: {by: 3}", "advance: 3s, at: 4s", "5:9: error D204: Time is told twice here."),
        ("{in: [busy]}", "{outcome: good}", "5:55: error D204"),
        ("{in: [busy]}", "{holds: ['1 +']}", "5:54: error D601"),
        ("{in: [busy]}", "{effects: [{log: a, finish: 1}]}", "5:56: error D501"),
        (
            "- name: a ticket\n    steps:\n      - {event: add, data: {by: 3}, expect: {in: [busy]}}",
            "[]",
            "3:3: error D204",
        ),
        (FILE, "[]", "1:1: error D203: This is no file of scenarios."),
        (FILE, "", "1:1: error D108"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(old: str, new: str, told: str):
    reading = read_scenarios(FILE.replace(old, new), filename="f")

    assert reading.scenarios is None
    assert any(str(each).startswith(f"f:{told}") for each in reading.diagnostics), list(map(str, reading.diagnostics))


def test_a_fault_in_a_list_is_not_told_again_of_the_list():
    reading = read_scenarios(FILE.replace("event: add", "evnt: add"), filename="f")

    assert [each.code for each in reading.diagnostics] == ["D201"]


def test_the_examples_scenarios_are_right():
    files = sorted((Path(__file__).parents[3] / "examples").rglob("*.test.yaml"))

    assert files
    for file in files:
        assert read_scenarios(file.read_bytes(), filename=file.name).diagnostics == ()
        assert yaml.safe_load(file.read_text())["scenarios"]


PAYING = """
foliot: 1
id: order
initial: paying
states:
  paying:
    invoke:
      {src: charge, timeout: 30s, retry: {attempts: 3, delay: 2s}, onDone: paid, onError: failed}
  paid: {}
  failed: {}
"""


@pytest.mark.parametrize(
    ("services", "ends"),
    [
        ({"charge": [{"answer": {"receipt": 1}, "after": "5s"}]}, {5: "paid"}),
        ({"charge": [{"error": "busy", "after": "1s"}, {"answer": None}]}, {2: "paying", 3: "paid"}),
        ({"charge": [{"error": "busy"}]}, {5: "paying", 6: "failed"}),
        ({"charge": [{}]}, {29: "paying", 30: "failed"}),
        ({}, {29: "paying", 30: "failed"}),
    ],
)
def test_a_service_answers_fails_or_is_silent_at_its_time(services: dict[str, Any], ends: dict[int, str]):
    machine = compile_machine(load(PAYING, filename="order.yaml"))
    begun = {"advance": "0s", "expect": {"in": ["paying"], "effects": [{"invoke": {"id": "paying"}}]}}
    steps = [begun, *({"at": f"{second}s", "expect": {"in": [state]}} for second, state in ends.items())]

    scenario = Scenario.model_validate({"name": "paying", "given": {"services": services}, "steps": steps})

    assert play(machine, scenario).mismatches == ()


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ("{charge: [{answer: 1, ¶eror: no}]}", "D201", "eror"),
        ("{charge: [¶{answer: 1, error: no}]}", "D204", ""),
        ("{charge: [¶{after: 5s}]}", "D202", ""),
        ("{charge: ¶[]}", "D204", ""),
        ("{chrge: ¶[{answer: 1}]}", "D204", "chrge"),
    ],
)
def test_what_is_wrong_with_the_replies_of_services_is_told_where_it_stands(given: str, code: str, path: str):
    head = "machine: order.yaml\nscenarios:\n  - name: a\n    steps: [{advance: 1s}]\n"
    text = f"{head}    given: {{services: {given}}}\n"
    before, _, after = text.partition("¶")

    reading = read_scenarios(before + after, filename="a.test.yaml")
    found = reading.diagnostics or check_against(reading, load(PAYING, filename="order.yaml"), filename="a.test.yaml")

    [diagnostic] = found
    assert (diagnostic.code, diagnostic.line, diagnostic.column) == (code, 5, len(before.split("\n")[-1]) + 1)
    assert path in diagnostic.what
