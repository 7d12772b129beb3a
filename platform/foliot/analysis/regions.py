"""Conflicts in parallel regions: one event enables two transitions, and one of them takes the state from the other.

Source: W3C SCXML 1.0, appendix D, `removeConflictingTransitions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from foliot.analysis.findings import Finding
from foliot.analysis.searching import Chart, Search
from foliot.definition import StateNode, Transition
from foliot.testing import name_transition


def conflicts(search: Search) -> Iterator[Finding]:
    """Find transitions that were enabled and lost to one of another region."""
    chart = search.chart
    # What is undone or put off is not taken either.
    if any(node.rollback or node.defer for node in chart.nodes.values()):
        return
    for index, ways in search.seen.untaken.items():
        if index not in chart.transitions:
            continue
        told: set[int] = set()
        for way, taken in ways:
            winner = _winner(chart, index, taken)
            if winner is not None and winner not in told:
                told.add(winner)
                lost, won = (
                    name_transition(node.id, each) for node, each in map(chart.transitions.__getitem__, (index, winner))
                )
                what = f"The transition {lost} is lost: {won} of another region is taken by the same event, and leaves."
                if not _leaves(chart, *chart.transitions[winner]):
                    what = f"The transition {lost} is lost: it would leave what {won} of another region changes."
                remedy = "Move what leaves to the parallel state itself, or let guards exclude each other."
                yield Finding("D006", chart.transitions[index][0].id, what, remedy, index, way)


def _winner(chart: Chart, index: int, taken: Iterable[int]) -> int | None:
    node, transition = chart.transitions[index]
    for other in sorted(taken):
        if other not in chart.transitions or not transition.targets:
            continue
        rival_node, rival = chart.transitions[other]
        is_alike = bool(rival.targets) and (rival.event is None) == (transition.event is None)
        if not is_alike or not _apart(chart, node, rival_node):
            continue
        if _leaves(chart, node, transition) or _leaves(chart, rival_node, rival):
            return other
    return None


def _apart(chart: Chart, one: StateNode, other: StateNode) -> bool:
    """Say whether two states are in different regions."""
    above = [node.id for node in chart.upwards(one.id)]
    meeting = next(node for node in chart.upwards(other.id) if node.id in above)
    return meeting.kind == "parallel" and meeting.id not in {one.id, other.id}


def _leaves(chart: Chart, node: StateNode, transition: Transition) -> bool:
    """Say whether a transition leaves the region of its source, and so all regions beside it."""
    region = next((each for each in chart.upwards(node.id) if _is_region(chart, each)), None)
    return region is not None and not all(chart.holds(region.id, target) for target in transition.targets)


def _is_region(chart: Chart, node: StateNode) -> bool:
    parent = chart.parents[node.id]
    return parent is not None and chart.nodes[parent].kind == "parallel"
