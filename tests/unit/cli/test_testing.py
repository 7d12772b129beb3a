"""`foliot test` runs scenarios, tells what failed and what is not covered, and writes scenarios itself."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

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
machine: ../door.yaml
scenarios:
  - name: a door opens
    steps:
      - {event: push, expect: {in: [open], context: {count: 1}}}
  - name: a door shuts
    steps:
      - {event: push}
      - {event: pull, expect: {in: [shut]}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("door.yaml").write_text(MACHINE)
    Path("tests").mkdir()
    Path("tests/door.test.yaml").write_text(SCENARIOS)
    return tmp_path


def change(old: str, new: str) -> None:
    file = Path("tests/door.test.yaml")
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_scenarios_below_the_folder_are_found_and_run(capsys: pytest.CaptureFixture[str]):
    Path(".hidden").mkdir()
    Path(".hidden/bad.test.yaml").write_text("bad")

    assert run(["test"]) == 0
    assert capsys.readouterr() == ("ok  tests/door.test.yaml: 2 scenarios\n2 passed, 0 failed\n", "")


def test_a_failure_shows_both_sides_the_line_and_the_way(capsys: pytest.CaptureFixture[str]):
    change("in: [shut]", "in: [open]")

    assert run(["test"]) == 1

    captured = capsys.readouterr()
    assert captured.out == (
        "FAILED  tests/door.test.yaml: 1 of 2 scenarios\n"
        "\n"
        "tests/door.test.yaml:6: a door shuts\n"
        "    tests/door.test.yaml:9: the active states\n"
        "      - expected open\n"
        "      + seen     shut\n"
        "    What happened:\n"
        "      1. push → open\n"
        "      2. pull → shut\n"
        "1 passed, 1 failed\n"
    )
    assert captured.err.startswith("scenario_failed at tests/door.test.yaml: 1 of 2 scenarios failed\n")


@pytest.mark.parametrize("option", [["--format", "json"], ["--json"]])
def test_the_outcome_is_there_for_programs(option: list[str], capsys: pytest.CaptureFixture[str]):
    change("count: 1}", "count: 2}")

    code = run(["test", "--coverage", *option])

    envelope = json.loads(capsys.readouterr().out)
    assert (code, envelope["ok"], envelope["error"]["code"]) == (1, False, "scenario_failed")
    assert (envelope["data"]["passed"], envelope["data"]["failed"]) == (1, 1)
    first = envelope["data"]["scenarios"][0]
    assert (first["name"], first["line"], first["way"]) == ("a door opens", 3, ["push → open"])
    assert first["mismatches"] == [{"line": 5, "what": "context.count", "expected": "2", "seen": "1"}]
    assert envelope["data"]["coverage"][0]["measures"]["guards"]["percent"] == 50.0


def test_the_outcome_is_there_as_junit_has_it(capsys: pytest.CaptureFixture[str]):
    change("a door shuts", 'a "door" <shuts>')
    change("in: [shut]", "in: [open]")

    assert run(["test", "--format", "junit"]) == 1

    suites = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suites.iter("testcase")] == ["a door opens", 'a "door" <shuts>']
    [failure] = suites.iter("failure")
    assert failure.get("message") == "tests/door.test.yaml:9: the active states: expected open, seen shut"


def test_what_is_not_covered_is_named_with_its_line(capsys: pytest.CaptureFixture[str]):
    assert run(["test", "--coverage-min", "100", "--pairs-min", "60"]) == 1

    captured = capsys.readouterr()
    assert "guards       1        2   50.0 %" in captured.out
    assert "door.yaml:9: not covered: guard shut --push--> open [context.count < 2] false" in captured.out
    assert "not covered: pair open --pull--> shut, then shut --push--> open" in captured.out
    assert "coverage_too_low: guards of door.yaml: 50.0 % of 100 %; pairs of" in captured.err


def test_coverage_that_is_high_enough_is_green():
    change("in: [shut]}}", "in: [shut]}}\n      - {event: push}\n      - {event: pull}\n      - {event: push}")

    assert run(["test", "--coverage-min", "100", "--pairs-min", "100"]) == 0


def test_scenarios_can_be_chosen_by_name(capsys: pytest.CaptureFixture[str]):
    assert run(["test", "-k", "SHUTS"]) == 0
    assert "1 passed, 0 failed" in capsys.readouterr().out
    assert run(["test", "-k", "unheard of"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("no_scenarios at ")
    assert said.endswith("Say another, or none.\n")


def test_faults_of_all_files_and_of_their_machines_are_told_at_once(capsys: pytest.CaptureFixture[str]):
    change("in: [shut]", "in: [shutt]")
    Path("lost.test.yaml").write_text(SCENARIOS)
    Path("bad.yaml").write_text("foliot: 1\n")
    Path("bad.test.yaml").write_text(SCENARIOS.replace("../door", "bad"))

    assert run(["test"]) == 1

    out = capsys.readouterr().out
    assert "tests/door.test.yaml:9:37: error D204: The machine has no state 'shutt'." in out
    assert "Did you mean 'shut'?" in out
    assert "lost.test.yaml:1:10: error D204: The machine ../door.yaml cannot be read: No such file" in out
    assert "bad.yaml:1:1: error D202" in out


@pytest.mark.parametrize("words", [["nowhere.test.yaml"], ["--generate"], ["--generate", "tests"]])
def test_what_is_not_there_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert run(["test", *words]) == 1
    assert capsys.readouterr().err.startswith(("file_unreadable at nowhere", "no_scenarios"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("lamp.yaml", "foliot: 1\nid: lamp\n"),
        ("lamp.json", '{"foliot": 1, "ids": "lamp"}'),
        ("lamp.arrows", "off --press--> on\n"),
        ("lamp.xstate.json", '{"id": "lamp"}'),
    ],
)
def test_a_machine_is_said_to_be_no_scenarios(file: str, text: str, capsys: pytest.CaptureFixture[str]):
    Path(file).write_text(text)

    assert run(["test", file]) == 1
    assert capsys.readouterr().err == (
        f"no_scenarios at {file}: this is a machine, not a file of scenarios\n"
        f"`foliot test --generate {file}` writes some; `foliot check {file}` looks at the machine itself.\n"
    )


def test_the_scenarios_of_a_machine_are_pointed_at_where_they_are_beside_it(capsys: pytest.CaptureFixture[str]):
    Path("lamp.yaml").write_text("foliot: 1\nid: lamp\n")
    Path("lamp.test.yaml").write_text("machine: lamp.yaml\nscenarios: []\n")

    assert run(["test", "lamp.yaml"]) == 1
    assert capsys.readouterr().err.endswith("Its scenarios are beside it: foliot test lamp.test.yaml\n")


def test_an_empty_folder_has_no_scenarios(capsys: pytest.CaptureFixture[str]):
    Path("empty").mkdir()

    assert run(["test", "empty"]) == 1
    assert capsys.readouterr().err.startswith("no_scenarios at empty: no file ends in .test.yaml here\n")


def test_generated_scenarios_pass_cover_the_machine_and_notice_a_change(capsys: pytest.CaptureFixture[str]):
    assert run(["test", "--generate", "door.yaml"]) == 0
    assert capsys.readouterr().out.startswith("door.generated.test.yaml: ")
    assert run(["test", "door.generated.test.yaml", "--coverage-min", "100", "--pairs-min", "100"]) == 0

    Path("door.yaml").write_text(MACHINE.replace("< 2", "<= 2"))

    assert run(["test", "door.generated.test.yaml"]) == 1


def test_scenarios_are_generated_for_each_name_that_a_machine_may_have():
    states = '<state id="open"><transition event="end" target="over"/></state><final id="over"/>'
    for name in ("one.scxml", "two.xml"):
        Path(name).write_text(f'<scxml xmlns="http://www.w3.org/2005/07/scxml" datamodel="cel">{states}</scxml>')

    assert run(["test", "--generate", "one.scxml", "two.xml"]) == 0
    assert run(["test", "one.generated.test.yaml", "two.generated.test.yaml"]) == 0


def test_where_nothing_can_happen_no_scenario_is_written(capsys: pytest.CaptureFixture[str]):
    Path("still.yaml").write_text("foliot: 1\nid: still\ninitial: here\nstates: {here: {}}\n")

    assert run(["test", "--generate", "door.yaml", "still.yaml"]) == 1
    assert capsys.readouterr().err.startswith("no_scenarios at still.yaml: nothing can happen to this machine\n")
    assert not Path("door.generated.test.yaml").exists()


def test_a_machine_that_is_wrong_is_told_instead_of_generated(capsys: pytest.CaptureFixture[str]):
    Path("door.yaml").write_text(MACHINE.replace("pull: shut", "pull: nowhere"))

    assert run(["test", "--generate", "door.yaml"]) == 1
    assert "door.yaml:12:" in capsys.readouterr().out
    assert not Path("door.generated.test.yaml").exists()
