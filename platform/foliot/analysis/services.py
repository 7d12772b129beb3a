"""Errors of invoked services that nothing handles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from foliot.analysis.findings import Finding
from foliot.analysis.searching import Chart, Search, fits
from foliot.definition import Invocation, StateNode, failed_invocation

_ERROR: Final = "error.communication"


def unhandled_errors(search: Search) -> Iterator[Finding]:
    """Find invocations whose failure no state handles that is active while they run, or not every time."""
    chart = search.chart
    for node in chart.nodes.values():
        alone = [each for each in node.invocations if not each.on_error and not _is_handled(chart, node, each)]
        if not alone:
            continue
        handlers = [each.id for each in _beside(chart, node) if any(_handles(each, one) for one in alone)]
        named = ", ".join(dict.fromkeys(f"'{each.id}'" for each in alone if each.id is not None))
        unless = f" unless '{handlers[0]}' is active" if handlers else ""
        what = (
            f"If what '{node.id}' invokes can't be reached or fails, nothing handles it{unless}: the machine waits on."
        )
        remedy = f"Give {named or 'it'} an onError, or '{node.id}' or a state above it a transition for {_ERROR}."
        yield Finding("D013", node.id, what, remedy, way=search.seen.states.get(node.id), shown="It is invoked after")


def _is_handled(chart: Chart, node: StateNode, invocation: Invocation) -> bool:
    """Say whether the error is handled whatever is active in the state, above it, and in regions beside it."""
    above = list(chart.upwards(node.id))
    regions = (each for parent in above[1:] if parent.kind == "parallel" for each in parent.children)
    return any(_handles(each, invocation) for each in above) or any(
        _always_handles(each, invocation) for each in (node, *(each for each in regions if each not in above))
    )


def _always_handles(node: StateNode, invocation: Invocation) -> bool:
    """Say whether each of what may be active in a state handles the error, or the state itself."""
    below = [_always_handles(each, invocation) for each in node.children if each.kind != "history"]
    return _handles(node, invocation) or (any(below) if node.kind == "parallel" else bool(below) and all(below))


def _beside(chart: Chart, node: StateNode) -> Iterator[StateNode]:
    """Yield the states below one and in regions beside it."""
    above = list(chart.upwards(node.id))
    yield from list(node.walk())[1:]
    for parent in above[1:]:
        if parent.kind == "parallel":
            yield from (each for region in parent.children if region not in above for each in region.walk())


def _handles(node: StateNode, invocation: Invocation) -> bool:
    event = _ERROR if invocation.id is None else failed_invocation(invocation.id)
    return any(fits(each.event, event) for each in (*node.on_error, *node.transitions))
