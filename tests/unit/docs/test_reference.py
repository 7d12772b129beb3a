"""The generated pages are what their generator writes, and have everything that there is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pages import ROOT, load_generator

from foliot.api import Doors, make_api
from foliot.cli.builtin import register
from foliot.cli.commands import Commands, find_commands
from foliot.runtime import NoWake
from foliot.settings import Settings

DOCS = ROOT / "docs"
NAMES = ("settings.md", "commands.md", "http.md", "language.md", "metrics.md")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return load_generator("generate_reference")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_what_its_generator_writes(generator: ModuleType, name: str) -> None:
    written = (DOCS / "reference" / name).read_text("utf-8")

    assert written == generator.PAGES[name](), "run: make reference"


def test_every_setting_and_every_command_is_told() -> None:
    settings = (DOCS / "reference" / "settings.md").read_text("utf-8")
    commands = (DOCS / "reference" / "commands.md").read_text("utf-8")

    assert [name for name in Settings.model_fields if f"| `FOLIOT_{name.upper()}` |" not in settings] == []
    assert re.findall(r"^## foliot (.+)$", commands, re.MULTILINE) == sorted(
        find_commands(register(Commands())).entries
    )


def test_settings_say_their_unit_default_and_bounds(generator: ModuleType) -> None:
    page = generator.settings_page()

    assert (
        "| `FOLIOT_STEP_BATCH_MS` | Time that one step transaction spends on stepping at most | `25.0` | > 0 |" in page
    )
    assert "(never shown)" in re.search(r"^\| `FOLIOT_KEY_PEPPER`.*$", page, re.MULTILINE)[0]  # type: ignore[index]


def test_the_pages_are_the_same_when_they_are_written_on_a_terminal(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = generator.commands_page()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert generator.commands_page() == piped


def test_every_metric_of_the_api_is_told() -> None:
    page = (DOCS / "reference" / "metrics.md").read_text("utf-8")
    doors = Doors(Settings(), NoWake())
    make_api(doors)

    shown = [metric.name for metric in doors.meters.registry.collect()]

    assert len(shown) > 10
    assert [name for name in shown if f"| `{name}` |" not in page] == []


def test_metrics_are_found_by_the_classes_that_make_them(generator: ModuleType, tmp_path: Path) -> None:
    module = tmp_path / "counting.py"
    module.write_text('TAKEN = Counter("foliot_events_total", "Events taken in.", ["lane"])\nprint("a", "b")\n')

    found = list(generator.metrics_of(module))

    assert found == [("`foliot_events_total`", "counter", "`lane`", "Events taken in.")]
