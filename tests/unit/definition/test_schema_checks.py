"""Expressions against the schemas of what they read: refused is only what can have no value for data that fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from foliot.definition import Diagnostic, check

SCHEMA = """
    type: object
    required: [count, side]
    properties:
      count: {type: integer, minimum: 0, maximum: 9}
      ratio: {type: number}
      side: {enum: [left, right]}
      note: {type: [string, "null"]}
      free: {}
      when: {type: string, format: date-time}
      either: {oneOf: [{type: string}, {type: array, items: {type: integer}}]}
      order: {$ref: "#/$defs/order"}
      byName: {type: object, additionalProperties: {type: integer}}
    additionalProperties: false
    $defs:
      order:
        type: object
        properties: {items: {type: array, items: {$ref: "#/$defs/item"}}, parent: {$ref: "#/$defs/order"}}
        additionalProperties: false
      item: {type: object, properties: {price: {type: number}}, additionalProperties: false}
"""
EVENTS = """
  paid: {schema: {type: object, properties: {amount: {type: integer}}, additionalProperties: false}}
  sent.home: {schema: {type: object, properties: {by: {enum: [post]}}}}
  moved: {schema: {properties: {to: {type: string}}}}
  moved.far: {schema: {properties: {to: {type: integer}}}}
  made: {schema: {properties: {n: {type: integer}}}}
"""


def found(*, guard: str = "true", on: str = "paid", entry: str = "[]", assign: str = "") -> list[Diagnostic]:
    """Check a machine of one state with one transition; tell what is found in its expressions and assignments."""
    actions = f", actions: [{{assign: {{{assign}}}}}]" if assign else ""
    text = f"""
foliot: 1
id: m
context:
  initial: {{count: 0, side: left}}
  schema:{SCHEMA}
events:{EVENTS}
initial: a
states:
  a:
    entry: {entry}
    always: [{{guard: 'context.count > 8', actions: [raise: made]}}]
    on:
      {on}:
        - {{guard: {guard!r}{actions}}}
"""
    return [each for each in check(text, filename="m.yaml") if each.code != "D511"]


def told(**machine: str) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in found(**machine)]


@pytest.mark.parametrize(
    "guard",
    [
        "context.count + 1 > 2",
        "context.count + 1.5 > 2.0",
        "context.count > 1.5 || context.ratio < 3",
        "context.ratio == 1",
        "context.note == null || context.note.startsWith('a')",
        "size(context.note) > 0",
        "context.free.any.thing[0] == 1 && context.free > 'a'",
        "timestamp(context.when) > timestamp(event.time)",
        "size(context.either) > 1 && context.either[0] == 1",
        "context.order.parent.parent.items[0].price > 1",
        "context.order.items.exists(i, i.price > 1.0)",
        "context.byName.anna + context.byName['bo'] > 1",
        "context.byName.all(name, context.byName[name] > 1)",
        "context.side in ['left', 'up']",
        "'anna' in context.byName",
        "has(context.order.items) && event.data.amount > context.count",
        "event.type == 'paid' && event.id != ''",
        "context.?note.orValue('') == ''",
        "[1, 'left'].exists(x, x == context.side)",
        "type(context.count) == int && inState('a')",
        "context.count == 0 ? fail('none') : true",
    ],
)
def test_what_may_have_a_value_is_not_told(guard: str) -> None:
    assert found(guard=guard) == []


@pytest.mark.parametrize(
    ("guard", "code", "words"),
    [
        ("context.count + 'a' == 'b'", "D607", "+ cannot take (number, string)"),
        ("size(context.count) > 1", "D607", "size() cannot take (number)"),
        ("context.note > 1", "D607", "> cannot take (null or string, int)"),
        ("!context.count", "D607", "! cannot take (number)"),
        ("context.count.all(x, x > 1)", "D607", "all() cannot take (number)"),
        ("context.count ? true : false", "D607", "must be bool; this is number"),
        ("context.either - 1 == 1", "D607", "- cannot take (list or string, int)"),
        ("context.order.items.price > 1", "D607", "A selection of 'price' cannot take (list)"),
        ("context.byName.anna.startsWith('a')", "D607", "startsWith() cannot take (number, string)"),
        ("context.count || context.side", "D607", "An operand of || must be bool; this is number"),
        ("context.side", "D603", "by the schemas this is string"),
        ("context.cuont > 1", "D604", "does not know 'cuont'"),
        ("context.order.itms == []", "D609", "there is no 'itms'"),
        ("context.order.items[0].prise > 1", "D609", "there is no 'prise'"),
        ("event.data.amuont > 1", "D609", "there is no 'amuont'"),
        ("event.data.amount == 1 && event.data.amount", "D607", "must be bool"),
    ],
)
def test_what_can_have_no_value_is_refused_or_told_in_words(guard: str, code: str, words: str) -> None:
    first = found(guard=guard)[0]

    assert first.code == code
    assert words in first.what


@pytest.mark.parametrize(
    ("guard", "code"),
    [
        ("context.count == 0 || context.count + 'a' == 'b'", "D607"),
        ("has(context.order.itms)", "D609"),
        ("has(context.cuont)", "D604"),
        ("context.order.items.exists(i, i.prise > 1.0)", "D609"),
        ("inState('a') ? true : size(context.count) > 1", "D607"),
        ("context.side == 'lift'", "D608"),
        ("context.count != '1'", "D608"),
        ("'lift' in [context.side]", "D608"),
    ],
)
def test_what_may_have_a_value_without_a_part_is_a_warning(guard: str, code: str) -> None:
    assert told(guard=guard) == [(code, "warning")]


def test_a_misspelt_property_is_told_where_it_stands_with_the_nearest() -> None:
    [fault] = found(guard="context.order.itms == []")

    assert (fault.remedy, fault.path) == ("Did you mean 'items'?", "states.a.on.paid[0].guard")


@pytest.mark.parametrize(
    ("on", "data", "codes"),
    [
        ("paid", "amount", ["D607"]),
        ("sent.home", "by", ["D607"]),
        ("sent.*", "by", ["D607"]),
        ("sent", "by", []),
        ("moved", "to", []),
        ("moved.*", "to", []),
        ("moved.far", "to", ["D607"]),
        ("'*'", "amount", []),
        ("made", "n", []),
        ("unheard", "n", []),
    ],
)
def test_an_event_has_the_schema_of_the_only_declared_event_that_fits(on: str, data: str, codes: list[str]) -> None:
    assert [code for code, _ in told(on=on, guard=f"event.data.{data}.x.y > 0")] == codes


def test_entry_actions_see_any_event() -> None:
    assert found(entry="[{log: event.data.amount + 'a'}]") == []


@pytest.mark.parametrize(
    "assign",
    [
        "count: context.count + 1",
        "count: event.data.amount",
        "count: 9",
        "count: '2.0'",
        "ratio: 1",
        "note: null",
        "side: \"context.count > 1 ? 'left' : 'right'\"",
        "side: context.note",
        "when: timestamp(event.time) + duration('1h')",
        "free: \"[1, 'a']\"",
        "either: '[1]'",
        "order: '{}'",
    ],
)
def test_an_assigned_value_that_may_fit_is_not_told(assign: str) -> None:
    assert found(assign=assign) == []


@pytest.mark.parametrize(
    "assign",
    [
        "count: \"'a'\"",
        "count: string(context.count)",
        "count: 10",
        "count: '-1'",
        "count: 1.5",
        "count: null",
        "count: true",
        "count: context.side",
        "ratio: '[1]'",
        "side: \"'lift'\"",
        "side: \"context.count > 1 ? 'lift' : 'rigt'\"",
        "note: 3",
        "order: \"''\"",
        "when: context.count",
    ],
)
def test_an_assigned_value_that_can_not_fit_is_refused(assign: str) -> None:
    assert told(assign=assign) == [("D517", "error")]


def test_a_script_is_held_to_the_schema_too() -> None:
    assert told(entry="[{script: [\"count = 'a'\"]}]") == [("D517", "error")]


def test_machines_without_schemas_are_left_alone() -> None:
    text = "foliot: 1\nid: m\ninitial: a\nstates: {a: {entry: [{log: context.x + size(event.data.y)}]}}\n"

    assert check(text, filename="m.yaml") == ()


@pytest.mark.parametrize("name", ["a: 1", "a: {type: 3}", "$ref: '#/$defs/none'"])
def test_a_schema_with_faults_is_told_alone(name: str) -> None:
    text = (
        f"foliot: 1\nid: m\ncontext: {{schema: {{properties: {{x: {{{name}}}}}}}}}\ninitial: a\nstates: {{a: {{}}}}\n"
    )

    assert {each.code[:2] for each in check(text, filename="m.yaml")} <= {"D7"}


@pytest.mark.parametrize("path", sorted(Path("examples").rglob("*.yaml")), ids=str)
def test_the_examples_have_no_doubtful_expressions(path: Path) -> None:
    found = check(path.read_bytes(), filename=path.name)

    assert [each for each in found if each.code in {"D517", "D603", "D607", "D608", "D609"}] == []
