"""All that `foliot check --strict` says of a machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from foliot.analysis.conditions import constant_guards, shadowed_transitions
from foliot.analysis.context_use import reads_before_writes, unread_writes
from foliot.analysis.endings import dead_ends, livelocks, traps
from foliot.analysis.findings import Finding
from foliot.analysis.reachability import dead_transitions, unreached_states
from foliot.analysis.regions import conflicts
from foliot.analysis.searching import Search, search
from foliot.analysis.services import unhandled_errors
from foliot.analysis.timers import left_early, silent_timers
from foliot.definition import Definition, Diagnostic, Limits
from foliot.languages import Example, read
from foliot.testing import STEPS_MAX

_LIMITS: Final = Limits()
_GROUP: Final = "D0"


def examine(definition: Definition, *, steps_max: int = STEPS_MAX) -> tuple[Finding, ...]:
    """Find what is hardly meant in a machine that is a machine.

    Raises:
        DefinitionNotCompilable: it cannot run.
    """
    return tuple(_findings(search(definition, steps_max=steps_max)))


def check_strictly(
    text: str | bytes, *, filename: str, limits: Limits = _LIMITS, steps_max: int = STEPS_MAX
) -> tuple[Diagnostic, ...]:
    """Tell everything that is wrong with a text and, where it is a machine, what an analysis of it finds."""
    reading = read(text, filename=filename, limits=limits)
    if reading.definition is None:
        return reading.diagnostics
    # What the text alone shows is not told twice.
    known = {(each.line, each.column) for each in reading.diagnostics}
    found = [each.diagnostic(filename, reading.places) for each in examine(reading.definition, steps_max=steps_max)]
    new = [each for each in found if (each.line, each.column) not in known or each.code not in {"D001", "D002"}]
    return tuple(sorted((*reading.diagnostics, *new), key=lambda each: (each.line, each.column, each.code, each.what)))


def check_example(code: str, example: Example) -> tuple[Diagnostic, ...]:
    """Tell what is wrong with an example of a code, by an analysis where that is what finds it."""
    if not code.startswith(_GROUP):
        return example.check()
    return check_strictly(example.encoded, filename=example.file, limits=example.limits)


def _findings(seen: Search) -> Iterator[Finding]:
    guards = tuple(constant_guards(seen))
    shadowed = tuple(shadowed_transitions(seen))
    lost = tuple(conflicts(seen))
    yield from unreached_states(seen)
    explained = {each.transition for each in (*guards, *shadowed, *lost)} | left_early(seen)
    yield from dead_transitions(seen, explained)
    yield from (each for each in shadowed if each.transition not in {guard.transition for guard in guards})
    yield from (*guards, *lost)
    yield from livelocks(seen)
    yield from dead_ends(seen)
    yield from traps(seen)
    yield from unread_writes(seen)
    yield from reads_before_writes(seen)
    yield from silent_timers(seen)
    yield from unhandled_errors(seen)
