"""Bad definitions in all languages are told about in exactly the words of `refusals/`: code, place, path, what, remedy.

A file there is a list of cases. `text` is the definition, and `says` what is shown of it. `file` is its name, by which
its language is known; `strict` asks for the strict checks too; `limits` are lowered; `encoding` is how it is saved.
"""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from foliot.analysis import check_strictly
from foliot.definition import CODES, Limits
from foliot.languages import check

FILES: Final = sorted((Path(__file__).parent / "refusals").glob("*.yaml"))
CASES: Final[dict[str, dict[str, Any]]] = {
    f"{file.stem}-{number}": case
    for file in FILES
    for number, case in enumerate(yaml.safe_load(file.read_text("utf-8")), start=1)
}
_SHOWN: Final = re.compile(r"^\S+:\d+:\d+: (?:error|warning) (D\d{3}): ", re.MULTILINE)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_definition_is_told_about_in_these_words(name: str) -> None:
    case = CASES[name]
    tell = check_strictly if case.get("strict") else check
    text = case["text"].encode(case["encoding"]) if "encoding" in case else case["text"]

    found = tell(
        text, filename=case.get("file", "m.yaml"), limits=dataclasses.replace(Limits(), **case.get("limits", {}))
    )

    assert "".join(f"{each}\n" for each in found) == case["says"]


def test_every_code_of_a_definition_is_told_in_some_case() -> None:
    told = {code for case in CASES.values() for code in _SHOWN.findall(case["says"])}

    assert told == set(CODES)


def test_there_are_at_least_150_different_cases_and_each_language_has_some() -> None:
    texts = {(case.get("file"), case["text"], str(case.get("limits")), case.get("encoding")) for case in CASES.values()}

    assert len(texts) == len(CASES) >= 150
    assert {case.get("file") for case in CASES.values()} == {None, "m.arrows", "m.json", "m.scxml", "m.xstate.json"}


def test_each_diagnostic_says_what_to_do() -> None:
    lines = [line for case in CASES.values() for line in [*case["says"].splitlines(), ""]]

    silent = [line for line, after in pairwise(lines) if _SHOWN.match(line) and not after.startswith("    ")]

    assert silent == []
