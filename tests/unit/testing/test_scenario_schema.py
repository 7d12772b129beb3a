"""The JSON Schema of scenarios: fresh where it is checked in, sound, and of one mind with the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from foliot.testing import read_scenarios, scenario_schema

ROOT = Path(__file__).parents[3]
FILE = ROOT / "platform" / "foliot" / "testing" / "scenarios.schema.json"
VALIDATOR = jsonschema_rs.Draft202012Validator(scenario_schema())


def test_the_file_is_what_the_models_say():
    assert orjson.loads(FILE.read_bytes()) == scenario_schema(), (
        "run: foliot language schema --scenarios > platform/foliot/testing/scenarios.schema.json"
    )


def test_every_part_is_described():
    parts = scenario_schema()["$defs"]

    assert [name for name, part in parts.items() if not part.get("description")] == ["JsonValue"]


@pytest.mark.parametrize(
    ("step", "is_right"),
    [
        ({"event": "a", "data": None}, True),
        ({"advance": "5m", "expect": {"in": ["a"], "effects": [{"finish": {"x": 1}}]}}, True),
        ({"event": 1}, False),
        ({"evnt": "a"}, False),
        ({"advance": "5 minutes"}, False),
        ({"event": "a", "expect": {"done": 1}}, False),
        ({"event": "a", "expect": {"outcome": "good"}}, False),
    ],
)
def test_the_schema_and_the_reader_agree(step: dict[str, Any], is_right: bool):  # noqa: FBT001 - a case
    document = {"machine": "m.yaml", "scenarios": [{"name": "a", "steps": [step]}]}

    reading = read_scenarios(orjson.dumps(document), filename="a.test.json")

    assert VALIDATOR.is_valid(document) is is_right
    assert (reading.scenarios is not None) is is_right
