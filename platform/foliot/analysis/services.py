"""Errors of invoked services that nothing handles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from foliot.analysis.findings import Finding
from foliot.analysis.searching import Search
from foliot.definition import StateNode

_ERROR: Final = "error.communication"


def unhandled_errors(search: Search) -> Iterator[Finding]:
    """Find invocations whose failure no state handles that is active while they run."""
    chart = search.chart
    for node in chart.nodes.values():
        if not node.invocations or any(_handles(above) for above in chart.upwards(node.id)):
            continue
        what = f"If what '{node.id}' invokes can't be reached, nothing handles it: the machine waits on."
        remedy = f"Give '{node.id}', or a state above it, a transition for {_ERROR}."
        yield Finding("D013", node.id, what, remedy, way=search.seen.states.get(node.id), shown="It is invoked after")


def _handles(node: StateNode) -> bool:
    descriptors = [name for each in (*node.on_error, *node.transitions) for name in (each.event or "").split()]
    return any(
        name == "*" or f"{_ERROR}.".startswith(f"{name.removesuffix('.*').removesuffix('.')}.") for name in descriptors
    )
