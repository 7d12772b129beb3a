"""Bad definitions in all languages are told about in exactly the words that stand beside them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import pytest
from refusals import FILES, Case, cases, told

from foliot.definition import CODES

CASES: Final[dict[str, Case]] = {
    f"{file.stem}-{number}": case for file in FILES for number, case in enumerate(cases(file), start=1)
}
_SHOWN: Final = re.compile(r"^\S+:\d+:\d+: (?:error|warning) (D\d{3}): ", re.MULTILINE)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_definition_is_told_about_in_these_words(name: str) -> None:
    assert told(CASES[name]) == CASES[name]["says"], "`make refusals` writes what is told now"


def test_every_code_of_a_definition_is_told_in_some_case() -> None:
    codes = {code for case in CASES.values() for code in _SHOWN.findall(case["says"])}

    assert codes == set(CODES)


def test_there_are_at_least_150_different_cases_and_each_language_has_some() -> None:
    texts = {(case.get("file"), case["text"], str(case.get("limits")), case.get("encoding")) for case in CASES.values()}

    assert len(texts) == len(CASES) >= 150
    assert {case.get("file") for case in CASES.values()} == {None, "m.arrows", "m.json", "m.scxml", "m.xstate.json"}


def test_each_diagnostic_says_what_to_do() -> None:
    lines = [line for case in CASES.values() for line in [*case["says"].splitlines(), ""]]

    silent = [line for line, after in pairwise(lines) if _SHOWN.match(line) and not after.startswith("    ")]

    assert silent == []
