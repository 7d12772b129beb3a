"""Errors of invoked services that nothing handles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from foliot.analysis.findings import Finding
from foliot.analysis.searching import Search
from foliot.definition import Invocation, StateNode, failed_invocation

_ERROR: Final = "error.communication"


def unhandled_errors(search: Search) -> Iterator[Finding]:
    """Find invocations whose failure no state handles that is active while they run."""
    chart = search.chart
    for node in chart.nodes.values():
        above = tuple(chart.upwards(node.id))
        alone = [each for each in node.invocations if not each.on_error and not _is_handled(each, above)]
        if not alone:
            continue
        named = ", ".join(dict.fromkeys(f"'{each.id}'" for each in alone if each.id is not None))
        what = f"If what '{node.id}' invokes can't be reached or fails, nothing handles it: the machine waits on."
        remedy = f"Give {named or 'it'} an onError, or '{node.id}' or a state above it a transition for {_ERROR}."
        yield Finding("D013", node.id, what, remedy, way=search.seen.states.get(node.id), shown="It is invoked after")


def _is_handled(invocation: Invocation, above: Iterable[StateNode]) -> bool:
    event = _ERROR if invocation.id is None else failed_invocation(invocation.id)
    descriptors = (
        name for node in above for each in (*node.on_error, *node.transitions) for name in (each.event or "").split()
    )
    return any(
        name == "*" or f"{event}.".startswith(f"{name.removesuffix('.*').removesuffix('.')}.") for name in descriptors
    )
