"""`foliot optimize` tells what can go, proves it, and writes only where it is told to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foliot.cli import optimizing, run
from foliot.definition import load
from foliot.optimizing import Optimized, rewrite

MACHINE = """\
foliot: 1
id: door
initial: shut
states:
  shut: {on: {push: open, kick: ajar}}
  open: {on: {pull: shut}}
  ajar: {on: {pull: shut}}
  lost: {on: {pull: shut}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("door.yaml").write_text(MACHINE)


def test_it_tells_what_can_go_with_its_line_and_writes_nothing(capsys: pytest.CaptureFixture[str]):
    assert run(["optimize", "door.yaml", "--runs", "50"]) == 0

    out = capsys.readouterr().out
    assert "door.yaml:8: unreachable state lost: nothing leads to it\n" in out
    assert "door.yaml:7: merged state ajar: it does the same as open\n" in out
    assert "the same in all " in out
    assert "nothing is written without -o FILE" in out
    assert [file.name for file in Path().iterdir()] == ["door.yaml"]
    assert Path("door.yaml").read_text() == MACHINE


def test_it_writes_where_it_is_told_to(capsys: pytest.CaptureFixture[str]):
    assert run(["optimize", "door.yaml", "--runs", "50", "-o", "small.json", "--json"]) == 0

    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["before"]["states"], data["after"]["states"], data["written"]) == (4, 2, "small.json")
    assert data["states"] == {"ajar": "open"}
    assert data["proof"]["runs"] == 50
    assert rewrite(load(Path("small.json").read_bytes(), filename="small.json")).removals == ()


def test_a_wrong_result_is_refused_with_what_shows_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    other = load(MACHINE.replace("pull: shut", "pull: ajar"), filename="door.yaml")
    monkeypatch.setattr(optimizing, "rewrite", lambda definition: Optimized(other, rewrite(definition).names, ()))

    code = run(["optimize", "door.yaml", "-o", "small.json", "--json"])

    error = json.loads(capsys.readouterr().out)["error"]
    assert (code, error["code"]) == (1, "not_equivalent")
    assert error["what"].endswith("does something else after kick")
    assert not Path("small.json").exists()


def test_a_machine_that_is_refused_is_not_optimized(capsys: pytest.CaptureFixture[str]):
    Path("door.yaml").write_text(MACHINE.replace("push: open", "push: opne"))

    assert run(["optimize", "door.yaml"]) == 1
    assert "D401" in capsys.readouterr().out
