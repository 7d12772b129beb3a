"""States that are never entered, and transitions that are never taken."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from foliot.analysis.exactness import is_faithful
from foliot.analysis.findings import Finding
from foliot.analysis.searching import Search
from foliot.testing import name_transition


def unreached_states(search: Search) -> Iterator[Finding]:
    """Find states that nothing enters, the topmost ones alone."""
    chart, seen = search.chart, search.seen
    if not is_faithful(chart.definition):
        return
    for node in chart.nodes.values():
        parent = chart.parents[node.id]
        if node.id in seen.states or parent not in seen.states or node.kind == "history":
            continue
        what = f"The state '{node.id}' is never entered: no transition that is taken leads to it.{search.limit}"
        yield Finding("D001", node.id, what, "Mend the guards on the way to it, or take it out.")


def dead_transitions(search: Search, explained: Collection[int]) -> Iterator[Finding]:
    """Find transitions of entered states that are never taken, but those that are `explained` by something else."""
    chart, seen = search.chart, search.seen
    if not is_faithful(chart.definition):
        return
    for index, (node, transition) in chart.transitions.items():
        if index in seen.taken or index in explained or node.id not in seen.states:
            continue
        if (index, False) in seen.verdicts and (index, True) not in seen.verdicts:
            why = "its guard is false whenever it is asked"
        elif (index, True) in seen.verdicts:
            why = "whenever its guard is true, another transition goes first"
        else:
            why = "another transition goes first, or its event does not come while the state is active"
        what = f"The transition {name_transition(node.id, transition)} is never taken: {why}.{search.limit}"
        way = seen.verdicts.get((index, False)) or seen.states[node.id]
        remedy = "Mend what stands in its way, or take it out."
        yield Finding("D002", node.id, what, remedy, index, way, "It could have been taken after")
