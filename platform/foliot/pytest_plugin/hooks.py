"""The plugin's hooks. Every run of pytest imports this module: what is heavy is imported when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foliot import file_names


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect files of scenarios; a YAML or JSON file of this name that has none of them is left to others."""
    if not file_path.name.endswith(file_names.SCENARIOS):
        return None
    collector: pytest.Collector | None = _items().collector_of(file_path, parent)
    return collector


@pytest.fixture
def foliot_machine(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Give a function that compiles a machine's file, named as seen from the test's file, for `foliot.engine`."""
    folder = request.path.parent
    items = _items()
    return lambda file: items.compiled(folder / file)


@pytest.fixture
def foliot_sessions() -> Any:
    """Give a `foliot.testing.Sessions`: instances in memory, under a clock that stands still."""
    return _items().Sessions()


def _items() -> Any:
    return importlib.import_module("foliot.pytest_plugin.items")
