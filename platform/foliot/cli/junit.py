"""Scenarios as JUnit's XML, which CI systems read.

Source: the schema of Jenkins' xUnit plugin, "junit-10.xsd".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

from foliot.cli.wording import visible
from foliot.testing import Ran, narrate


def report(ran: Sequence[Ran]) -> str:
    """Write a report: a suite for each file, a case for each scenario. No times are told: the clock is simulated."""
    return "\n".join(_lines(ran))


def _lines(ran: Sequence[Ran]) -> Iterator[str]:
    failed = sum(not each.played.passed for each in ran)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites tests="{len(ran)}" failures="{failed}">'
    for file, group in groupby(ran, key=lambda each: each.suite.file):
        cases = list(group)
        failed = sum(not each.played.passed for each in cases)
        yield f'  <testsuite name={_attribute(file)} tests="{len(cases)}" failures="{failed}">'
        for each in cases:
            yield from _case(each)
        yield "  </testsuite>"
    yield "</testsuites>"


def _case(ran: Ran) -> Iterator[str]:
    head = f"<testcase classname={_attribute(ran.suite.file)} name={_attribute(ran.played.scenario.name)}"
    if ran.played.passed:
        yield f"    {head}/>"
        return
    told = [
        f"{ran.suite.file}:{ran.suite.line(ran.number, each)}: {each.what}: expected {each.expected}, seen {each.seen}"
        for each in ran.played.mismatches
    ]
    yield f"    {head}>"
    yield f"      <failure message={_attribute(told[0])}>{_content([*told, *narrate(ran.played)])}</failure>"
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(visible(text))


def _content(lines: Sequence[str]) -> str:
    return "\n".join(quoteattr(visible(line))[1:-1] for line in lines)
