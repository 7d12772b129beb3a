"""Services and dynamic sends are the same after they were written, in Foliot's language or as SCXML, and read again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.cel import literal, text_of
from foliot.definition import Definition, Dispatch, Withdraw, dump, dump_yaml, load
from foliot.languages.scxml import read_scxml, write_scxml
from foliot.languages.xstate import read_xstate, write_xstate

SOURCES = st.sampled_from(["context.x", "1 + 2", "'text'", '"text"', "'a\\'b'", "'\\u00e9'", "['a']", "event.type"])
EXPRESSIONS = SOURCES | st.integers(-9, 9) | st.booleans() | st.none()
TEXTS = st.sampled_from(["charge", "#_parent", "http://a.example/b?c='d'", "a\\b", "two\nlines", "", "é"])
DYNAMIC = TEXTS | st.fixed_dictionaries({"expression": EXPRESSIONS})
DURATIONS = st.sampled_from(["0", "250ms", "30s", 1500, "7d"])
NAMED = st.dictionaries(st.sampled_from(["a", "b", "c d"]), EXPRESSIONS, max_size=2)
TRANSITIONS = st.lists(
    st.fixed_dictionaries(
        {"guard": st.sampled_from(["context.x > 1", "event.data.ok"])}, optional={"target": st.just("#b")}
    )
    | st.just("#a"),
    min_size=1,
    max_size=2,
).filter(lambda listed: "#a" not in listed[:-1])
WHOLE_OR_PARTS = st.fixed_dictionaries({}, optional={"": NAMED, "Optional": NAMED}) | st.fixed_dictionaries(
    {"": EXPRESSIONS}
)


@st.composite
def payloads(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw what is told under a name: as a whole, or in parts that must have values and parts that need not."""
    return {f"{name}{suffix}": value for suffix, value in draw(WHOLE_OR_PARTS).items()}


@st.composite
def invocations(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Draw a service."""
    fields = {
        "type": DYNAMIC,
        "autoForward": st.booleans(),
        "finalize": st.lists(sends(), max_size=1),
        "timeout": DURATIONS,
        "retry": st.fixed_dictionaries(
            {"attempts": st.integers(1, 100)},
            optional={"delay": DURATIONS, "factor": st.integers(1, 100) | st.floats(1, 100), "delayMax": DURATIONS},
        ),
    }
    body: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=fields)) | draw(payloads("input"))
    body |= draw(st.sampled_from([{"src": draw(DYNAMIC)}, {"content": draw(EXPRESSIONS)}]))
    has_id = draw(st.booleans())
    if has_id:
        body |= {"id": f"i{number}"} | draw(
            st.fixed_dictionaries({}, optional={"onDone": TRANSITIONS, "onError": TRANSITIONS})
        )
    elif draw(st.booleans()):
        body["id"] = None
    if draw(st.booleans()):
        body["idLocation"] = "place"
    return body


@st.composite
def sends(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a dynamic send, or the cancelling of one."""
    optional = {
        "delay": DURATIONS | st.fixed_dictionaries({"expression": EXPRESSIONS}),
        "to": st.fixed_dictionaries({"target": DYNAMIC}),
        "type": DYNAMIC,
        "id": st.just("x"),
        "idLocation": st.just("place"),
    }
    body = draw(st.fixed_dictionaries({"event": st.fixed_dictionaries({"expression": EXPRESSIONS})}, optional=optional))
    return draw(
        st.sampled_from([{"send": body | draw(payloads("data"))}, {"cancel": {"expression": draw(EXPRESSIONS)}}])
    )


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a machine with services and dynamic sends."""
    count = draw(st.integers(0, 3))
    services = [draw(invocations(number)) for number in range(count)]
    entry = draw(st.lists(sends(), max_size=2))
    state = {"invoke": services, "entry": entry, "onError": "b", "on": {"e": "b", "*": "a"}}
    return {"foliot": 1, "id": "m", "initial": "a", "states": {"a": state, "b": {}}}


@settings(max_examples=150)
@given(documents())
def test_what_is_dumped_is_read_back(document: dict[str, Any]) -> None:
    definition = load(json.dumps(document), filename="m.json")

    again = load(dump(definition), filename="again.json")

    assert again == definition
    assert load(dump_yaml(definition), filename="again.yaml") == definition


@settings(max_examples=100)
@given(documents())
def test_what_is_written_as_scxml_and_read_can_be_dumped(document: dict[str, Any]) -> None:
    definition = load(json.dumps(document), filename="m.json")

    through = read_scxml(write_scxml(definition), filename="m.scxml").definition
    again = load(dump(through), filename="again.json")

    assert again.root == through.root
    assert services(through) == services(definition)
    assert dynamic(through) == dynamic(definition)


def services(definition: Definition) -> list[Any]:
    """Give the services of a machine; their `finalize` is cancelled otherwise where something is sent to others."""
    found = [each for node in definition.root.walk() for each in node.invocations]
    return [as_cel(each.model_dump(exclude={"finalize", "on_done", "on_error"})) for each in found]


def dynamic(definition: Definition) -> list[Any]:
    """Give the dynamic sends on entry, whatever blocks they stand in."""
    [state] = [node for node in definition.root.walk() if node.id == "a"]
    inner = [each for action in state.entry for each in getattr(action, "actions", (action,))]
    return [as_cel(each.model_dump()) for each in inner if isinstance(each, Dispatch | Withdraw)]


def as_cel(value: Any) -> Any:
    """Write constants as expressions, which is all that SCXML has."""
    match value:
        case {"kind": "constant", "value": constant}:
            return {"kind": "cel", "source": literal(constant)}
        case dict():
            return {name: as_cel(each) for name, each in value.items()}
        case list() | tuple():
            return [as_cel(each) for each in value]
        case _:
            return value


@settings(max_examples=100)
@given(documents())
def test_what_xstate_can_name_is_read_back_from_its_json(document: dict[str, Any]) -> None:
    definition = load(json.dumps(document), filename="m.json")

    written = write_xstate(definition)
    again = read_xstate(written.text, filename="m.xstate.json").definition

    nameable = [each for each in services(definition) if each["id"] is not None and is_text(each["source"])]
    assert services(again) == nameable
    assert (len(nameable) < len(services(definition))) == any("a name" in each.reason for each in written.left_out)


def is_text(expression: dict[str, Any] | None) -> bool:
    return expression is not None and text_of(str(expression["source"])) is not None


def test_xstates_own_words_for_services_are_read_and_written_without_loss() -> None:
    actor = {
        "id": "pay",
        "src": "charge",
        "input": {"sum": 3, "currency": "EUR"},
        "onDone": [{"target": "#m.b"}],
        "onError": [{"target": "#m.c"}],
    }
    others = {"xstate.done.actor.other": [{"target": "#m.c"}], "xstate.error.actor.other": [{"target": "#m.b"}]}
    text = json.dumps({"id": "m", "initial": "a", "states": {"a": {"invoke": [actor], "on": others}, "b": {}, "c": {}}})

    reading = read_xstate(text, filename="m.xstate.json")
    written = write_xstate(reading.definition)

    [state] = [node for node in reading.definition.root.walk() if node.id == "a"]
    assert reading.diagnostics == ()
    assert [each.event for each in state.outgoing()] == [
        "done.invoke.pay",
        "error.communication.invoke.pay",
        # XState asks the longest descriptor first.
        "error.communication.invoke.other",
        "done.invoke.other",
    ]
    assert written.left_out == ()
    assert json.loads(written.text) == json.loads(text)


def test_an_actor_without_an_id_has_the_one_that_xstate_gives_it() -> None:
    text = json.dumps({"id": "m", "initial": "a", "states": {"a": {"invoke": {"src": "s", "systemId": "x"}}}})

    reading = read_xstate(text, filename="m.xstate.json")

    assert [each.code for each in reading.diagnostics] == ["D809"]
    assert [each["id"] for each in services(reading.definition)] == ["0.m.a"]
