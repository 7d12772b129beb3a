"""`foliot mutate` tells which small changes of a machine its scenarios do not notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foliot.cli import run

MACHINE = """\
foliot: 1
id: door
context: {initial: {count: 0}}
initial: shut
states:
  shut:
    on:
      push:
        - guard: "context.count < 2"
          target: open
          actions: [{assign: {count: "context.count + 1"}}]
  open: {on: {pull: shut}}
"""
SCENARIOS = """\
machine: door.yaml
scenarios:
  - name: a door opens
    steps:
      - {event: push, expect: {in: [open], context: {count: 1}}}
      - {event: pull, expect: {in: [shut]}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("door.yaml").write_text(MACHINE)
    Path("door.test.yaml").write_text(SCENARIOS)


def test_a_survivor_is_shown_with_its_line_and_the_scenario_that_would_notice(capsys: pytest.CaptureFixture[str]):
    assert run(["mutate", "door.yaml"]) == 0

    out = capsys.readouterr().out
    assert (
        "door.yaml:9: missed: guard: shut --push--> open\n"
        "    - context.count < 2\n"
        "    + true\n"
        "    This scenario would notice:\n"
        '      - name: "shut --push--> open, guard"\n'
        "        steps:\n"
        "          - event: push\n"
    ) in out
    assert "    + context.count <= 2\n    A scenario that stands above would notice this, too.\n" in out
    assert "missed     4" in out


def test_generated_scenarios_notice_all(capsys: pytest.CaptureFixture[str]):
    Path("door.test.yaml").unlink()

    assert run(["mutate", "door.yaml", "--generated", "--min", "100"]) == 0
    assert "100.0 % caught of those that are not alike" in capsys.readouterr().out


def test_less_than_is_wanted_is_refused(capsys: pytest.CaptureFixture[str]):
    code = run(["mutate", "door.yaml", "--tests", "door.test.yaml", "--min", "90", "--json"])

    envelope = json.loads(capsys.readouterr().out)
    assert (code, envelope["error"]["code"]) == (1, "mutants_missed")
    data = envelope["data"]
    assert data["counts"]["caught"] + data["counts"]["missed"] == len(data["mutants"])
    assert {"verdict": "caught", "kind": "transition", "line": 12, "what": "open --pull--> shut"}.items() <= data[
        "mutants"
    ][-2].items()


def test_scenarios_that_fail_already_are_refused(capsys: pytest.CaptureFixture[str]):
    Path("door.test.yaml").write_text(SCENARIOS.replace("count: 1", "count: 2"))

    assert run(["mutate", "door.yaml"]) == 1
    assert capsys.readouterr().err.startswith("scenario_failed at door.yaml: 1 of 1 scenarios fail before anything")


@pytest.mark.parametrize("text", [None, SCENARIOS.replace("door.yaml", "other.yaml")])
def test_without_scenarios_of_the_machine_it_is_refused(text: str | None, capsys: pytest.CaptureFixture[str]):
    Path("other.yaml").write_text(MACHINE.replace("door", "other"))
    Path("door.test.yaml").unlink()
    if text is not None:
        Path("door.test.yaml").write_text(text)

    assert run(["mutate", "door.yaml"]) == 1
    assert "no_scenarios" in capsys.readouterr().err


def test_a_wrong_machine_is_told(capsys: pytest.CaptureFixture[str]):
    Path("door.yaml").write_text(MACHINE.replace("pull: shut", "pull: nowhere"))

    assert run(["mutate", "door.yaml"]) == 1
    assert "door.yaml:12:" in capsys.readouterr().out
