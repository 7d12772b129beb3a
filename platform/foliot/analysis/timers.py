"""Timers that can't fire: what they wait for ends before their time, always."""

from __future__ import annotations

from collections.abc import Iterator

from foliot.analysis.exactness import is_faithful
from foliot.analysis.findings import Finding
from foliot.analysis.searching import Search
from foliot.definition import Send, StateNode
from foliot.testing import write_duration


def silent_timers(search: Search) -> Iterator[Finding]:
    """Find timeouts of entered states, and delayed events that are sent, which never come."""
    chart, seen = search.chart, search.seen
    if not is_faithful(chart.definition):
        return
    for node in chart.nodes.values():
        for timeout in node.after:
            taken = any(each.index in seen.taken for each in timeout.transitions)
            if node.id not in seen.states or timeout.id in seen.fired or taken or not timeout.transitions:
                continue
            name = write_duration(timeout.delay_ms * 1_000)
            what = f"The timeout of {name} never fires: '{node.id}' is always left before.{search.limit}"
            remedy = "Make it shorter, or take it out."
            index = timeout.transitions[0].index
            yield Finding("D012", node.id, what, remedy, index, seen.states[node.id], "It starts after")
    yield from _sent(search)


def _sent(search: Search) -> Iterator[Finding]:
    chart, seen = search.chart, search.seen
    told: set[str] = set()
    for action in chart.definition.actions():
        if not isinstance(action, Send) or not action.delay_ms:
            continue
        name = action.id or action.event
        if name in told or name not in seen.armed or name in seen.fired:
            continue
        told.add(name)
        node, index = _sender(search, action)
        what = f"The delayed event '{action.event}' never comes: its timer is always cancelled before.{search.limit}"
        yield Finding(
            "D012", node.id, what, "Cancel it later, or take it out.", index, seen.armed[name], "It starts after"
        )


def _sender(search: Search, action: Send) -> tuple[StateNode, int]:
    """Find the state, and the transition if it is one, that sends."""
    for node in search.chart.nodes.values():
        for transition in node.outgoing():
            if action in transition.actions:
                return node, transition.index
        if action in (*node.entry, *node.exit):
            return node, -1
    return search.chart.definition.root, -1


def left_early(search: Search) -> frozenset[int]:
    """Name the transitions of timeouts that never fire."""
    fired = search.seen.fired
    return frozenset(
        each.index
        for node in search.chart.nodes.values()
        for timeout in node.after
        if timeout.id not in fired
        for each in timeout.transitions
    )
