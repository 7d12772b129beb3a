"""Schemas are followed over their local references, however these lead, and to an end."""

from __future__ import annotations

from typing import Any

import pytest

from foliot.cel import Condition, Environment, conjuncts, infer, refer, schema_ranges, shape_of_schema
from foliot.cel.kinds import MAP
from foliot.cel.ranges import WHOLE, Interval, Range, just

ROOT: dict[str, Any] = {
    "$defs": {
        "small": {"type": "integer", "minimum": 1},
        "a/b ~%": {"type": "string"},
        "list": {"allOf": [{"const": 1}, {"const": 2}]},
        "apart": {"$id": "https://example.org/apart", "properties": {"x": {"type": "integer"}}},
        "none": False,
    }
}
ENVIRONMENT = Environment({"context": MAP})


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#/$defs/small", {"type": "integer", "minimum": 1}),
        ("#/$defs/a~1b%20~0%25", {"type": "string"}),
        ("#/$defs/list/allOf/1", {"const": 2}),
        ("#/$defs/none", False),
        ("#", ROOT),
        ("#/$defs/list/allOf/2", True),
        ("#/$defs/nothing", True),
        ("#/$defs/small/type", True),
        ("#/$defs/apart", True),
        ("#/$defs/apart/properties/x", True),
        ("#anchor", True),
        ("other.json#/x", True),
        (3, True),
    ],
)
def test_a_reference_leads_to_its_schema_or_to_one_that_says_nothing(reference: object, found: object) -> None:
    assert refer(reference, ROOT) == found


def test_a_value_must_fit_what_is_referred_to_and_all_of_allof() -> None:
    schema = {"$ref": "#/$defs/small", "allOf": [{"maximum": 3}, True, False, {"$ref": "#/$defs/apart"}]}

    found = list(conjuncts(schema, ROOT))

    assert found == [schema, ROOT["$defs"]["small"], {"maximum": 3}, False, {"$ref": "#/$defs/apart"}]


@pytest.mark.parametrize(
    "root",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}] * 9}, "b": {"$ref": "#/$defs/a"}}},
        {"properties": {name: {"$ref": "#"} for name in "abcdefgh"}, "anyOf": [{"items": {"$ref": "#"}}] * 3},
        {"properties": {f"{name}{n}": {"$ref": "#"} for n in range(2_000) for name in "ab"}},
        {"properties": {name: {"anyOf": [{"$ref": "#"}, {"properties": {"x": {"$ref": "#"}}}]} for name in "abcdefgh"}},
        {"anyOf": [{"properties": {f"p{n}-{m}": {"type": "string"} for m in range(60)}} for n in range(200)]},
        {
            "$ref": "#/$defs/d0",
            "$defs": {
                f"d{n}": {"properties": {name: {"$ref": f"#/$defs/d{n + 1}"} for name in "abcdefgh"}} for n in range(40)
            },
        },
    ],
)
def test_schemas_that_go_round_or_double_come_to_an_end(root: Any) -> None:
    shape = shape_of_schema(root)

    assert not shape.is_empty
    assert not shape.of_field("a").of_field("b").is_empty
    assert len(dict(schema_ranges("context", root))) <= 4_096


def test_ranges_follow_references_and_narrow_by_each_part() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/small", "maximum": 9}, "m": {"allOf": [{"enum": [1, 2]}, {"const": 2}]}},
        "allOf": [{"required": ["n"], "properties": {"n": {"maximum": 5}}}],
        **ROOT,
    }

    found = dict(schema_ranges("context", schema))

    assert found["context.n"] == WHOLE.bounded(Interval(1, 5))
    assert found["context.m"].present() == just(2)
    assert found["context.m"].missing


def test_a_name_with_a_dot_does_not_pass_for_two() -> None:
    schema = {"properties": {"a.b": {"const": 1}, "a": {"properties": {"b": {"const": 2}}}}}
    facts = dict(schema_ranges("context", schema))

    same = Condition("context['a.b'] == 1 && context.a.b == 2", ENVIRONMENT)

    assert facts["context.a.b"] == Range(numbers=(Interval(2, 2),), is_whole=True, missing=True)
    assert same.assume(True, facts) is not None  # noqa: FBT003
    assert infer("context['a.b'] + 1", ENVIRONMENT, {"context": shape_of_schema(schema)}).doubts == ()


@pytest.mark.parametrize(
    ("schema", "is_closed"),
    [
        ({"additionalProperties": False}, True),
        ({"additionalProperties": False, "patternProperties": {"^x": True}}, False),
        ({"additionalProperties": False, "allOf": [{"properties": {"x": {}}}]}, True),
        ({"unevaluatedProperties": False}, True),
        ({"unevaluatedProperties": False, "allOf": [{"properties": {"x": {}}}]}, False),
        ({"unevaluatedProperties": False, "$ref": "#/$defs/x", "$defs": {"x": {"properties": {"x": {}}}}}, False),
        ({"additionalProperties": {"$ref": "#/$defs/x"}, "$defs": {"x": False}}, True),
        ({"properties": {"x": False}}, True),
        ({"anyOf": [{"additionalProperties": False}, {"type": "object"}]}, False),
        ({"oneOf": [{"additionalProperties": False}, {"type": "string"}]}, True),
        ({}, False),
    ],
)
def test_a_property_that_can_not_be_there_has_no_shape(schema: Any, is_closed: bool) -> None:  # noqa: FBT001
    assert shape_of_schema(schema).of_field("x").is_empty == is_closed
