"""`foliot convert` writes a machine in another language, and nothing is left out without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foliot.cli import run
from foliot.languages import load

DOOR = """\
foliot: 1
id: door
create: explicit
events: {push: {schema: {type: object, required: [by]}}}
initial: shut
states: {shut: {description: First., on: {push: "#open"}}, open: {type: final}}
"""
XSTATE = (
    """{"id": "door", "tags": ["x"], "initial": "shut", "states": {"shut": {"on": {"push": "open"}}, "open": {}}}"""
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("door.yaml").write_text(DOOR)


@pytest.mark.parametrize("ending", ["yaml", "json", "scxml", "xstate.json"])
def test_a_machine_goes_through_each_language_and_back(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    language = ending.partition(".")[0]

    assert run(["convert", "door.yaml", "--to", language, "-o", f"other.{ending}"]) == 0
    assert run(["convert", f"other.{ending}", "--to", "yaml", "-o", "again.yaml"]) == 0

    assert capsys.readouterr().out == f"written to other.{ending}\nwritten to again.yaml\n"
    if language == "xstate":  # An event of XState's fits whole.
        assert load(Path("again.yaml").read_bytes(), filename="m.yaml").events.keys() == {"push"}
    else:
        assert Path("again.yaml").read_text() == DOOR


def test_without_a_file_to_write_the_text_is_the_whole_of_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Path("arrows.arrows").write_text("shut --push--> open\n")

    assert run(["convert", "arrows.arrows", "--to", "json"]) == 0

    out, err = capsys.readouterr()
    assert load(out, filename="m.json") == load("shut --push--> open", filename="arrows.arrows")
    assert err == ""


def test_what_the_other_language_has_no_word_for_is_told_beside_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "door.yaml", "--to", "xstate"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["id"] == "door"
    assert err.startswith("left out of events: XState has no word for it")
    assert "left out of create: " in err

    assert run(["convert", "door.yaml", "--to", "xstate", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert [each["path"] for each in data["left_out"]] == ["events", "create"]
    assert json.loads(data["text"])["id"] == "door"


def test_what_was_not_read_is_told_beside_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    Path("door.xstate.json").write_text(XSTATE)

    assert run(["convert", "door.xstate.json", "--to", "yaml"]) == 0

    out, err = capsys.readouterr()
    assert out.startswith("foliot: 1\nid: door\n")
    assert "door.xstate.json:1:16: warning D809" in err


def test_a_machine_that_cannot_be_read_is_diagnosed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.yaml").write_text("foliot: 1\nid: m\ninitial: x\nstates: {a: {}}\n")

    assert run(["convert", "bad.yaml", "--to", "scxml", "-o", "bad.scxml"]) == 1

    assert "bad.yaml:3:10: error D303" in capsys.readouterr().out
    assert not Path("bad.scxml").exists()


def test_what_a_language_cannot_say_is_refused_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    text = '<scxml xmlns="http://www.w3.org/2005/07/scxml" name="m"><state id="p"><state id="a"/></state></scxml>'
    Path("m.scxml").write_text(text)

    assert run(["convert", "m.scxml", "--to", "yaml", "-o", "m.yaml"]) == 1

    assert capsys.readouterr().err.startswith("not_writable at a: its id is no path of names\n")
    assert not Path("m.yaml").exists()


@pytest.mark.parametrize("language", ["json", "scxml", "xstate"])
def test_what_would_be_too_large_for_a_reader_is_refused(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    ends = "\n" * 600_000  # Each is an escape of two characters in JSON, and of five in XML.
    Path("long.yaml").write_text(f"foliot: 1\nid: m\ndescription: |\n  a{ends}  b\n")

    assert run(["convert", "long.yaml", "--to", language]) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("not_writable")
    assert "larger than 1048576 bytes" in err


@pytest.mark.parametrize(
    ("name", "language", "remedy"),
    [
        ("door.json", "xstate", "Name it door.xstate.json, or say another --to."),
        ("door.xstate.json", "json", "Name it door.json, or say another --to."),
        ("door", "yaml", "Name it door.yaml, or say another --to."),
    ],
)
def test_a_name_that_says_another_language_is_refused(
    name: str, language: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", "door.yaml", "--to", language, "-o", name]) == 1

    code, told = capsys.readouterr().err.splitlines()
    assert code.startswith(f"unfit_name at {name}: ")
    assert told == remedy
    assert not Path(name).exists()
