"""Files of scenarios written as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foliot.definition import write_yaml
from foliot.testing.scenarios import ScenarioFile


def write_scenarios(scenarios: ScenarioFile, *, comment: str = "") -> str:
    """Write a file that `read_scenarios` reads back to an equal one."""
    document = scenarios.model_dump(mode="json", by_alias=True, exclude_unset=True)
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + write_yaml(document, _is_parted)


def _is_parted(value: Mapping[str, Any]) -> bool:
    if any(isinstance(each, Mapping) and "send" in each for each in value.values()):
        return True
    return "expect" in value or "steps" in value or "configuration" in value
