"""Each code has a page, and what its examples show is true."""

from __future__ import annotations

import dataclasses
import re
from importlib.resources import files

import pytest

from foliot.analysis import check_example
from foliot.definition import CODES, Limits
from foliot.languages import explain

PAGES = {code: explain(code) for code in CODES}


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_has_the_fault_in_the_line_that_the_page_says(code: str) -> None:
    wrong = PAGES[code].wrong

    found = check_example(code, wrong)

    assert [(d.code, d.line) for d in found if d.code != wrong.also] == [(code, wrong.line)], "\n".join(map(str, found))
    assert {wrong.also} - {""} <= {d.code for d in found}


@pytest.mark.parametrize("code", CODES)
def test_the_right_example_has_no_fault(code: str) -> None:
    found = check_example(code, PAGES[code].right)

    assert found == (), "\n".join(map(str, found))


@pytest.mark.parametrize("code", CODES)
def test_the_two_examples_are_judged_by_the_same_limits(code: str) -> None:
    page = PAGES[code]

    assert (page.wrong.text, page.wrong.encoding) != (page.right.text, page.right.encoding)
    assert page.wrong.lowered == page.right.lowered
    assert page.wrong.file == page.right.file


def test_there_is_no_page_without_a_code() -> None:
    pages = {page.name.removesuffix(".md") for page in files("foliot.languages").joinpath("explanations").iterdir()}

    assert pages == set(CODES)


def test_every_limit_that_refuses_is_told_as_it_is() -> None:
    limits = [value for name, value in dataclasses.asdict(Limits()).items() if name != "quoted_chars_max"]

    told = set(re.findall(r"\d[\d,]*\d", " ".join(page.meaning for page in PAGES.values())))

    assert [limit for limit in limits if f"{limit:,}" not in told] == []
