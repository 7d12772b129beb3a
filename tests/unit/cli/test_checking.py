"""`foliot check` names every fault at once, as compilers do."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from machine_texts import door

from foliot.cli import run

FAULTY = "foliot: 1\nid: door\ninitial: x\nstates:\n  a: {on: {go: nowhere}}\n"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_good_file_is_green_and_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    Path("door.yaml").write_text(door())

    assert run(["check", "door.yaml"]) == 0
    assert capsys.readouterr() == ("no fault in 1 file\n", "")


def test_all_faults_of_all_files_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.yaml").write_text(FAULTY)
    Path("two.yaml").write_text(FAULTY)

    code = run(["check", "one.yaml", "two.yaml"])

    captured = capsys.readouterr()
    assert code == 1
    for file in ("one.yaml", "two.yaml"):
        assert f"{file}:3:10: error D303" in captured.out
        assert f"{file}:5:" in captured.out
    assert captured.err.startswith("definition_refused at one.yaml, two.yaml: 4 errors in 2 of 2 files\n")


@pytest.mark.parametrize("option", [["--format", "json"], ["--json"]])
def test_diagnostics_are_there_for_programs(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    Path("one.yaml").write_text(FAULTY)

    code = run(["check", "one.yaml", *option])

    envelope = json.loads(capsys.readouterr().out)
    assert (code, envelope["ok"], envelope["error"]["code"]) == (1, False, "definition_refused")
    first = envelope["data"]["diagnostics"][0]
    assert (first["code"], first["file"], first["line"], first["column"]) == ("D303", "one.yaml", 3, 10)


def test_standard_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FAULTY.encode())))

    assert run(["check", "-"]) == 1
    assert "-:3:10:" in capsys.readouterr().out


def test_a_missing_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "nowhere.yaml"]) == 1
    assert "file_unreadable at nowhere.yaml" in capsys.readouterr().err


def test_a_missing_file_keeps_no_fault_of_the_others_back(capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.yaml").write_text(FAULTY)
    Path("two.yaml").write_text(FAULTY)

    assert run(["check", "one.yaml", "nowhere.yaml", "two.yaml"]) == 1

    out, err = capsys.readouterr()
    assert "one.yaml:3:10: error D303" in out
    assert "two.yaml:3:10: error D303" in out
    assert "file_unreadable at nowhere.yaml: No such file or directory" in err
    assert "definition_refused at one.yaml, two.yaml: 4 errors in 2 of 2 files\n" in err

    assert run(["check", "one.yaml", "nowhere.yaml", "--json"]) == 1
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["error"]["code"] == "definition_refused"
    assert [each["where"] for each in envelope["data"]["unread"]] == ["nowhere.yaml"]


def test_a_missing_file_is_red_beside_good_ones(capsys: pytest.CaptureFixture[str]) -> None:
    Path("door.yaml").write_text(door())

    assert run(["check", "nowhere.yaml", "door.yaml"]) == 1

    out, err = capsys.readouterr()
    assert out == "no fault in 1 file\n"
    assert err.startswith("file_unreadable at nowhere.yaml")


DEAD_END = "foliot: 1\nid: door\ninitial: a\nstates:\n  a: {on: {go: b}}\n  b: {}\n"


def test_strict_tells_what_is_hardly_meant_and_is_red(capsys: pytest.CaptureFixture[str]) -> None:
    Path("door.yaml").write_text(DEAD_END)

    loose, strict = run(["check", "door.yaml"]), run(["check", "--strict", "door.yaml"])

    captured = capsys.readouterr()
    assert (loose, strict) == (0, 1)
    assert "no fault in 1 file\ndoor.yaml:6:3: warning D008: " in captured.out
    assert "Shown by: go." in captured.out
    assert captured.err.startswith("definition_refused at door.yaml: 1 fault in 1 of 1 file\n")


@pytest.mark.parametrize("option", [["--format", "sarif"], ["--json"], []])
def test_a_name_that_no_encoding_has_is_told_as_it_is_escaped(
    capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    Path("m.json").write_text(r'{"foliot": 1, "id": "m", "initial": "a", "states": {"a": {}, "\ud800": {}}}')

    assert run(["check", "m.json", *option]) == 1
    assert "ud800" in capsys.readouterr().out


def test_strict_findings_are_there_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    Path("door.yaml").write_text(DEAD_END)

    code = run(["check", "--strict", "--format", "sarif", "door.yaml"])

    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert (code, result["ruleId"], result["level"]) == (1, "D008", "warning")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 6, "startColumn": 3}


def test_scenarios_are_checked_with_their_machine_and_its_faults_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.yaml").write_text(FAULTY)
    Path("one.test.yaml").write_text("machine: one.yaml\nscenarios: [{name: it goes, step: []}]\n")

    assert run(["check", "one.test.yaml", "one.yaml"]) == 1
    told = capsys.readouterr()
    assert told.out.count("one.yaml:3:10: error D303") == 1
    assert "one.test.yaml:2:" in told.out
    assert "2 of 2 files" in told.err


def test_good_scenarios_have_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    Path("door.yaml").write_text(door())
    Path("door.test.yaml").write_text("machine: door.yaml\nscenarios: [{name: it begins, steps: [{event: built}]}]\n")

    assert run(["check", "door.yaml", "door.test.yaml"]) == 0
    assert capsys.readouterr() == ("no fault in 2 files\n", "")
