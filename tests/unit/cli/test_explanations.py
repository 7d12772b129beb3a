"""`foliot explain` knows every code of the project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foliot.cli import run
from foliot.definition import CODES
from foliot.languages import explain

CODES_PAGE = Path(__file__).parents[3] / "docs" / "codes.md"


def test_a_code_of_a_definition_is_shown_with_what_foliot_says_of_its_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["explain", "d401"])

    out = capsys.readouterr().out
    assert code == 0
    assert out.startswith("D401: Unknown target.\n")
    assert "machine.yaml:5:25: error D401: There is no state 'opne' at the top." in out
    assert "      closed: {on: {opened: open}}\n" in out


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_a_definition_can_be_shown(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", code]) == 0
    assert f" {code}: " in capsys.readouterr().out


def test_every_code_of_the_page_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line.split("`")[1] for line in CODES_PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]

    unknown = [code for code in rows if run(["explain", code]) != 0]

    assert len(rows) > len(CODES)
    assert unknown == []
    assert capsys.readouterr().err == ""


def test_a_code_with_several_meanings_is_shown_with_all(capsys: pytest.CaptureFixture[str]) -> None:
    run(["explain", "id_reused", "--json"])

    data = json.loads(capsys.readouterr().out)["data"]
    assert data["code"] == "id_reused"
    assert len({row["part"] for row in data["meanings"]}) >= 2
    assert all(set(row) == {"part", "code", "meaning", "remedy"} for row in data["meanings"])


def test_a_page_is_there_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    run(["explain", "D109", "--json"])

    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["code"], data["title"]) == ("D109", "duplicate key")
    assert data["wrong"]["text"] == explain("D109").wrong.text
    assert [found["line"] for found in data["wrong"]["diagnostics"]] == [8]
    assert data["right"]["diagnostics"] == []


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    run(["explain"])

    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert set(CODES) | {"no_route", "usage", "unknown_code"} <= listed


@pytest.mark.parametrize(
    ("code", "remedy"), [("no_rout", "Did you mean 'no_route'?"), ("D999", "`foliot explain` lists all codes.")]
)
def test_an_unknown_code_gets_the_nearest_one_or_the_way_to_all(
    code: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", code]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == remedy


@pytest.mark.parametrize(
    ("code", "near"),
    [("D1", "D101"), ("d40", "D401"), ("no_rout", "no_route"), ("no_ruote", "no_route")],
)
def test_the_first_code_that_begins_so_is_meant_else_one_like_it(
    code: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", code]) == 1
    assert capsys.readouterr().err.endswith(f"\nDid you mean {near!r}?\n")
