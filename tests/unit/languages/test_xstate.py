"""Machines of XState as JSON: what they become, and what is said of what they cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from drawn_machines import JSON
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foliot.definition import Definition, DefinitionRefused, StateNode, Transition, load
from foliot.engine import compile  # noqa: A004 - the engine's own word
from foliot.languages import check
from foliot.languages.scxml import read_scxml
from foliot.languages.xstate import read_xstate, write_xstate
from foliot.testing import Session, Sessions

FILE = "m.xstate.json"
WORDS = [
    *("id", "initial", "states", "on", "always", "after", "entry", "exit", "onDone", "type", "history", "target"),
    *("guard", "actions", "params", "reenter", "foliot", "guards", "delays", "xstate.raise", "xstate.done.state.m"),
    *("*", "a.*", "a", "#m.a"),
]


def machine(**about: Any) -> dict[str, Any]:
    return {"id": "m", "initial": "a", "states": {"a": {}, "b": {}}, **about}


def definition(document: dict[str, Any], **meanings: Any) -> Definition:
    return read_xstate(json.dumps(document), filename=FILE, **meanings).definition


def state(document: dict[str, Any], state_id: str) -> StateNode:
    return next(node for node in definition(document).root.walk() if node.id == state_id)


def only(document: dict[str, Any], state_id: str = "a") -> Transition:
    [transition] = state(document, state_id).outgoing()
    return transition


def codes(document: Any) -> list[str]:
    return [each.code for each in check(json.dumps(document), filename=FILE)]


def opened(document: dict[str, Any], **meanings: Any) -> Session:
    return Sessions().open(compile(definition(document, **meanings)))


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("a", "b", "b"),
        ("a", ".x", "a.x"),
        ("a", "a.x", "a.x"),
        ("a.x", "y", "a.y"),
        ("a.x", "#m.b", "b"),
        ("a.x", "#two", "b"),
        ("a.x", "#one.y", "a.y"),
        ("", ".b", "b"),
        ("a.x", ["#two"], "b"),
    ],
)
def test_a_target_is_found_as_xstate_finds_it(source: str, target: str | list[str], found: str) -> None:
    inner: dict[str, Any] = {"x": {}, "y": {}}
    document = machine(states={"a": {"id": "one", "initial": "x", "states": inner}, "b": {"id": "two"}})
    body = {"": document, "a": document["states"]["a"], "a.x": inner["x"]}[source]
    body["on"] = {"go": {"target": target}}

    assert only(document, source).targets == (found,)


@pytest.mark.parametrize("target", ["nowhere", "#m.nowhere", "#nowhere", ".b", "", "..", 3])
def test_a_target_that_is_no_state_is_told_where_it_stands(target: Any) -> None:
    document = machine(states={"a": {"on": {"go": {"target": target}}}, "b": {}})

    found = [each for each in check(json.dumps(document), filename=FILE) if each.severity == "error"]

    assert [each.path for each in found] == ([] if target == "" else ["states.a.on.go.target"])


def test_the_machine_as_a_target_is_its_beginning_entered_anew() -> None:
    transition = only(machine(states={"a": {"on": {"go": "#m"}}, "b": {}}))

    assert (transition.targets, transition.reenter) == (("a",), True)


def test_the_nearest_descriptor_comes_first_and_an_event_is_called_exactly_so() -> None:
    node = state(machine(states={"a": {"on": {"*": "b", "a.*": "b", "a": "b", "a.b": {"guard": "g"}}}, "b": {}}), "a")

    assert [each.event for each in node.transitions] == ["a.b", "a", "a.*", "*"]
    assert [each.guard for each in node.transitions][1:] == ["event.type == 'a'", None, None]


def test_names_mean_what_the_document_says_and_before_it_what_the_reader_is_given() -> None:
    document = machine(
        context={"n": 0},
        entry=["count", {"type": "add", "params": {"by": 2}}],
        states={
            "a": {"after": {"soon": "b"}, "always": {"guard": {"type": "least", "params": {"n": 9}}, "target": "b"}},
            "b": {},
        },
        foliot={
            "guards": {"least": "context.n >= params.n"},
            "actions": {"count": {"assign": {"n": 100}}, "add": [{"assign": {"n": "context.n + params.by"}}]},
            "delays": {"soon": 250},
        },
    )

    session = opened(document, actions={"count": [{"assign": {"n": "context.n + 1"}}]})

    assert session.state.context == {"n": 3}
    assert session.state.configuration == ("a",)
    assert list(session.state.timers) == ["after.250.a"]


def test_a_guard_that_nobody_explains_fails_and_an_action_is_left_out() -> None:
    edge = {"guard": "unknown", "actions": "nothing", "target": "b"}
    document = machine(states={"a": {"on": {"go": edge, "error.execution": "c"}}, "b": {}, "c": {}})
    sessions = Sessions()
    session = sessions.open(compile(definition(document)))

    sessions.send(session, "go")
    sessions.run()

    assert session.state.configuration == ("c",)
    assert codes(document) == ["D808", "D808"]


def test_a_parallel_states_transition_yields_to_one_inside() -> None:
    regions = {"r": {"on": {"go": {"actions": "inner"}}}, "s": {}}
    actions = {"inner": [{"assign": {"inner": 1}}], "outer": [{"assign": {"outer": 1}}]}
    document = {
        "id": "m",
        "type": "parallel",
        "states": regions,
        "on": {"go": {"actions": "outer"}},
        "foliot": {"actions": actions},
    }
    sessions = Sessions()
    session = sessions.open(compile(definition(document)))

    sessions.send(session, "go")
    sessions.run()

    assert session.state.context == {"inner": 1}


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"tags": ["x"]}, "D809"),
        ({"meta": {"x": 1}}, "D809"),
        ({"invoke": {"src": "service"}}, None),
        ({"invoke": {"src": "service", "systemId": "x"}}, "D809"),
        ({"invoke": {"id": "x"}}, "D202"),
        ({"invoke": "service"}, "D203"),
        ({"entry": [None]}, "D809"),
        ({"entry": [{"type": "xstate.assign"}]}, "D808"),
        ({"on": {"go": {"target": "b", "cond": "old"}}}, "D809"),
        ({"after": {"soon": "b"}}, "D407"),
        ({"after": {"1.5": "b"}}, "D407"),
        ({"on": {"go": {"target": "b", "guard": {"params": {}}}}}, "D202"),
        ({"id": "m"}, "D806"),
        ({"foliot": {"defer": ["x"]}}, None),
    ],
)
def test_what_has_no_meaning_is_told(about: dict[str, Any], code: str | None) -> None:
    found = codes(machine(on={"go": ".b"}, states={"a": about, "b": {}}))

    assert found == ([] if code is None else [code])


def test_what_to_json_prints_is_read_as_far_as_it_goes() -> None:
    printed = {"key": "m", "order": -1, "transitions": [], "entry": [], "history": False, "invoke": [], "tags": []}
    after = {
        "xstate.after.100.m.a": [{"target": ["#m.b"], "delay": 100, "event": "x", "source": "#m.a", "actions": []}]
    }
    document = machine(
        initial={"target": ["#m.a"], "source": "#m", "actions": [], "eventType": None},
        states={
            "a": {"id": "m.a", "on": after, "entry": [{"type": "xstate.raise"}], "exit": [{"type": "xstate.cancel"}]},
            "b": {},
        },
        **printed,
    )

    node = state(document, "a")

    assert [each.delay_ms for each in node.after] == [100]
    assert codes(document) == ["D809"]


def test_xstates_own_raise_is_read_where_its_event_is_told() -> None:
    raised = {"type": "xstate.raise", "event": {"type": "go", "k": "v"}}
    later = {"type": "xstate.raise", "event": {"type": "go"}, "delay": 100, "id": "t"}
    document = machine(states={"a": {"entry": [raised, later], "on": {"go": "b"}}, "b": {}})

    session = opened(document)

    assert session.state.configuration == ("b",)
    assert list(session.state.timers) == ["t"]


def test_what_xstate_does_not_do_is_listed() -> None:
    text = """
        foliot: 1
        id: m
        poison: skip
        initial: a
        states:
          a: {defer: [later], on: {error.execution: b, later: b}, onError: [rollback, b]}
          b: {type: final, output: {n: 1 + 1}}
    """

    left_out = write_xstate(load(text, filename="m.yaml")).left_out

    assert {each.path for each in left_out} == {"a.defer", "a.onError", "on.error.execution", "b.output", "poison"}
    assert all(each.reason.endswith(".") for each in left_out)


def test_a_transition_for_several_events_is_listed_under_each() -> None:
    document = (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel"><state id="a">'
        '<transition event="pull tired" target="b"/></state><state id="b"/></scxml>'
    )
    written = write_xstate(read_scxml(document, filename="m.scxml").definition)

    assert set(json.loads(written.text)["states"]["a"]["on"]) == {"pull.*", "tired.*"}


def test_names_of_scxml_become_names_of_xstate() -> None:
    document = (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="cel"><state id="s.1"><state id="s2">'
        '<transition event="go" cond="In(\'s2\')" target="f"/></state></state><final id="f"/></scxml>'
    )
    written = write_xstate(read_scxml(document, filename="m.scxml").definition)

    sessions = Sessions()
    session = sessions.open(compile(read_xstate(written.text, filename=FILE).definition))
    sessions.send(session, "go")
    sessions.run()

    assert session.state.done


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(JSON, lambda values: st.dictionaries(st.sampled_from(WORDS), values, max_size=8), max_leaves=30))
def test_whatever_stands_there_is_told_and_nothing_fails(value: Any) -> None:
    text = json.dumps(value)

    found = check(text, filename=FILE)

    if all(each.severity == "warning" for each in found):
        write_xstate(read_xstate(text, filename=FILE).definition)


def test_a_small_text_does_not_become_a_large_machine() -> None:
    actions = [{"assign": {f"n{number}": "1"}} for number in range(1_000)]
    document = machine(entry=["many"] * 2_000, foliot={"actions": {"many": actions}})

    with pytest.raises(DefinitionRefused) as refusal:
        definition(document)

    assert "D104" in {each.code for each in refusal.value.diagnostics}


REGION_LED_BACK = {"initial": "a", "states": {"a": {"on": {"go": "h"}}, "h": {"history": "shallow"}}}


def test_a_transition_taken_beside_one_that_a_history_state_leads_back_is_told_when_it_is_written() -> None:
    states = {"p": {"type": "parallel", "states": {"one": REGION_LED_BACK, "two": {}}}}
    text = json.dumps({"foliot": 1, "id": "m", "initial": "p", "on": {"go": "#p"}, "states": states})

    written = write_xstate(load(text, filename="m.json"))

    assert any("is taken beside one inside" in left.reason for left in written.left_out)


def test_a_history_state_that_leads_back_in_a_region_is_told_when_it_is_read() -> None:
    assert codes({"id": "m", "type": "parallel", "states": {"one": REGION_LED_BACK, "two": {}}}) == ["D810"]
    assert codes({"id": "m", "initial": "one", "states": {"one": REGION_LED_BACK}}) == []


def test_a_small_text_with_many_ways_back_to_the_machine_does_not_become_a_large_one() -> None:
    regions = {f"r{number}": {"on": {"go": "#m"}} for number in range(400)}

    found = codes({"id": "m", "type": "parallel", "states": regions})

    assert "D104" in found


def test_a_transition_that_many_come_before_can_be_compiled() -> None:
    rivals = {f"s{number}": {"on": {"go": {"target": "s0", "guard": "some"}}} for number in range(60)}
    regions = {name: {"initial": "s0", "states": rivals} for name in ("one", "two")}
    document = {"id": "m", "type": "parallel", "on": {"go": {"actions": []}}, "states": regions}

    definition_made = definition(document, guards={"some": "context.n > 0"})

    guard = definition_made.root.transitions[0].guard or ""
    assert guard.count("inState") == 120
    compile(definition_made)


def test_a_guard_that_becomes_too_deep_by_what_is_added_is_told() -> None:
    def summing(terms: int) -> dict[str, Any]:
        guards = {"deep": f"{' + '.join(['context.n'] * terms)} > 0"}
        regions = {"one": {"on": {"go": {"guard": "deep"}}}, "two": {}}
        on = {"go": {"actions": []}}
        return {"id": "m", "type": "parallel", "on": on, "states": regions, "foliot": {"guards": guards}}

    compile(definition(summing(93)))

    assert codes(summing(96)) == ["D601"]


def test_many_names_without_a_meaning_are_counted() -> None:
    document = machine(entry=[f"acton{number}" for number in range(150)], foliot={"actions": {"action1": []}})

    found = check(json.dumps(document), filename=FILE)

    suggesting = [each for each in found if each.remedy == "Did you mean 'action1'?"]
    assert len(suggesting) == 100


def test_much_that_is_left_out_leaves_room_for_what_is_wrong() -> None:
    states = {f"s{number}": {"tags": ["x"], "on": {"go": f"s{(number + 1) % 300}"}} for number in range(300)}

    found = check(json.dumps({"id": "m", "initial": "s0", "states": states}), filename=FILE)

    assert {each.severity for each in found} == {"warning"}
    assert "290 more of these are not shown." in {each.what for each in found}
