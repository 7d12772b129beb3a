"""What Hypothesis draws of machines: data fit, walks are possible, and what must hold is looked for and shrunk."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.definition import compile_schema, load
from foliot.engine import compile as compile_machine
from foliot.testing import Move, apply, read_scenarios
from foliot.testing.exploring import BEGINNING
from foliot.testing.strategies import InvariantBroken, check_always, data, events, walks

DEFINITION = load(
    """
foliot: 1
id: account
context: {initial: {balance: 0, note: ""}}
events:
  paid: {schema: {type: object, properties: {sum: {type: integer, minimum: 1, maximum: 100}}, required: [sum]}}
  taken: {schema: {type: object, properties: {sum: {type: integer, minimum: 1}}, required: [sum]}}
  noted: {schema: {type: object, properties: {text: {type: string}}}}
initial: open
states:
  open:
    on:
      paid: {actions: [{assign: {balance: "context.balance + event.data.sum"}}]}
      taken:
        - guard: "context.balance + 10 >= event.data.sum"
          actions: [{assign: {balance: "context.balance - event.data.sum"}}]
      noted: {actions: [{assign: {note: "'noted'"}}]}
""",
    filename="account.yaml",
)
SCHEMAS: list[Any] = [
    True,
    {"type": "integer", "minimum": 3, "maximum": 4},
    {"type": ["string", "null"], "maxLength": 3},
    {"type": "string", "pattern": "^[a-c]{2}$"},
    {"type": "number", "minimum": 0.5, "maximum": 1.5},
    {"type": "array", "items": {"enum": ["x", 1, None]}, "minItems": 1, "maxItems": 3},
    {"anyOf": [{"const": 7}, {"type": "boolean"}]},
    {"$defs": {"a": {"type": "integer"}}, "properties": {"b": {"$ref": "#/$defs/a"}}, "required": ["b", "c"]},
    {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "boolean"}}}}},
    {
        "properties": {"a": {"type": "string"}, "b": {"type": "null"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    {"allOf": [{"required": ["a"], "properties": {"a": {"type": "string"}}}, {"required": ["b"]}]},
    {"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
    {"type": "integer", "minimum": 0.5},
    {"type": "integer", "minimum": 2**60},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "number", "multipleOf": 0.5, "minimum": 0, "maximum": 3},
    {"type": "string", "pattern": r"^\p{Lu}*$"},
    {"type": "object", "minProperties": 2, "additionalProperties": {"type": "boolean"}},
    {"patternProperties": {"^x-[a-z]$": {"type": "integer"}}, "additionalProperties": False},
    {"type": "array", "prefixItems": [{"type": "string"}], "items": False, "minItems": 1},
    {"type": "array", "uniqueItems": True, "minItems": 3, "items": {"type": "integer"}},
]
MANY: list[Any] = [
    {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 100},
    {"type": "integer", "minimum": 0, "maximum": 1000, "multipleOf": 5},
    {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
]


@pytest.mark.parametrize("schema", MANY, ids=str)
def test_data_are_not_the_samples_alone(schema: Any):
    drawn: set[str] = set()

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(data(schema))
    def draw(value: Any) -> None:
        drawn.add(repr(value))

    draw()
    assert len(drawn) > 15


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_data_fit_their_schema(drawn: st.DataObject):
    schema = drawn.draw(st.sampled_from(SCHEMAS))

    assert compile_schema(schema).is_valid(drawn.draw(data(schema)))


@given(events(DEFINITION))
@settings(max_examples=50, deadline=None)
def test_events_fit_the_machine(event: Any):
    assert compile_machine(DEFINITION).validate_event(event.type, event.data) is None


@given(walks(DEFINITION))
@settings(max_examples=50, deadline=None)
def test_walks_can_be_walked(walk: tuple[Move, ...]):
    machine = compile_machine(DEFINITION)
    world = BEGINNING

    for move in walk:
        world, steps = apply(machine, world, move)
        assert steps


def test_what_does_not_always_hold_is_found_and_told_as_the_shortest_scenario():
    with pytest.raises(InvariantBroken) as broken:
        check_always(DEFINITION, lambda state: state.context["balance"] >= 0, derandomize=True)

    text = str(broken.value).partition("\n")[2]
    reading = read_scenarios(text, filename="found.test.yaml")
    assert reading.scenarios is not None, reading.diagnostics
    [step] = reading.scenarios.scenarios[0].steps
    assert (step.event, step.data) == ("taken", {"sum": 1})


def test_a_longer_counterexample_has_nothing_but_what_is_needed():
    with pytest.raises(InvariantBroken) as broken:
        check_always(DEFINITION, lambda state: state.context["balance"] <= 150, length_max=8, derandomize=True)

    reading = read_scenarios(str(broken.value).partition("\n")[2], filename="found.test.yaml")
    assert reading.scenarios is not None
    assert [step.event for step in reading.scenarios.scenarios[0].steps] == ["paid", "paid"]


def test_what_always_holds_is_not_broken():
    check_always(DEFINITION, lambda state: state.context["balance"] >= -10, examples_max=50, derandomize=True)


def test_an_instance_may_rest_before_the_first_event_that_a_state_knows():
    counted = load(
        "foliot: 1\nid: m\ncontext: {initial: {n: 0}}\ninitial: a\n"
        "states: {a: {on: {e: {actions: [{assign: {n: 1}}]}}}}",
        filename="m.yaml",
    )

    with pytest.raises(InvariantBroken, match='advance: "0ms"'):
        check_always(counted, lambda state: state.context["n"] == 1, derandomize=True)
