"""What `foliot test` says: scenarios, what failed and how it came to that, and what is covered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from foliot.cli.answers import Table, View
from foliot.cli.wording import counted, visible
from foliot.testing import Ran, Watched, narrate

_CHARS_MAX = 400
_LISTED_MAX = 40


def summary(ran: Sequence[Ran]) -> dict[str, int]:
    """Count scenarios."""
    passed = sum(each.played.passed for each in ran)
    return {"passed": passed, "failed": len(ran) - passed}


def ran_data(ran: Ran) -> dict[str, Any]:
    """Tell a scenario for programs."""
    played = ran.played
    return {
        "file": ran.suite.file,
        "line": ran.suite.line(ran.number),
        "name": played.scenario.name,
        "passed": played.passed,
        "mismatches": [
            {"line": ran.suite.line(ran.number, each), "what": each.what, "expected": each.expected, "seen": each.seen}
            for each in played.mismatches
        ],
        "way": list(narrate(played)),
    }


def ran_views(ran: Sequence[Ran]) -> Iterator[View]:
    """Tell each file in a line, each failure below it, and the sum."""
    for file, group in groupby(ran, key=lambda each: each.suite.file):
        of_file = list(group)
        failed = [each for each in of_file if not each.played.passed]
        word = ("FAILED", "bold red") if failed else ("ok", "green")
        passed = f"{len(of_file) - len(failed)} of " if failed else ""
        yield Text.assemble(word, f"  {visible(file)}: {passed}{counted(len(of_file), 'scenario')}")
        for each in failed:
            yield from _failure(each)
    counts = summary(ran)
    yield f"{counts['passed']} passed, {counts['failed']} failed"


def _failure(ran: Ran) -> Iterator[View]:
    played = ran.played
    place = f"{visible(ran.suite.file)}:{ran.suite.line(ran.number)}:"
    yield Text.assemble("\n", (place, "bold"), f" {visible(played.scenario.name)}")
    for mismatch in played.mismatches:
        where = f"{visible(ran.suite.file)}:{ran.suite.line(ran.number, mismatch)}:"
        yield Text.assemble("    ", (where, "bold"), f" {visible(mismatch.what)}")
        yield Text.assemble(("      - expected ", "red"), visible(mismatch.expected, chars_max=_CHARS_MAX))
        yield Text.assemble(("      + seen     ", "green"), visible(mismatch.seen, chars_max=_CHARS_MAX))
    lines = [visible(line, chars_max=_CHARS_MAX) for line in narrate(played)]
    if lines:
        yield "    What happened:"
        yield from (f"      {number}. {line}" for number, line in enumerate(lines, 1))
    yield ""


def coverage_data(watched: Watched) -> dict[str, Any]:
    """Tell what is covered of a machine, for programs."""
    place = watched.machine.place
    return {
        "machine": watched.machine.file,
        "measures": {
            each.measure: {
                "covered": each.covered,
                "total": each.total,
                "percent": round(each.percent, 2),
                "missing": [
                    {"what": item.what, "line": place(item.state, item.transition).line} for item in each.missing
                ],
            }
            for each in watched.coverage.summaries()
        },
    }


def coverage_views(watched: Watched, *, pairs: bool) -> Iterator[View]:
    """Tell what is covered of a machine, and name what is not; pairs only where they are asked for."""
    summaries = watched.coverage.summaries()
    rows = tuple((each.measure, str(each.covered), str(each.total), f"{each.percent:.1f} %") for each in summaries)
    file = visible(watched.machine.file)
    yield Text.assemble("\n", (f"coverage of {file}", "bold"))
    yield Table(("measure", "covered", "of", "percent"), rows)
    for each in summaries:
        shown = each.missing if pairs or each.measure != "pairs" else ()
        for item in shown[:_LISTED_MAX]:
            line = watched.machine.place(item.state, item.transition).line
            yield f"{file}:{line}: not covered: {each.measure.removesuffix('s')} {visible(item.what)}"
        if left := len(each.missing) - len(shown[:_LISTED_MAX]):
            yield f"{file}: {left} {each.measure} more are not covered; --json names them"
