"""Names of the context that are written and never read, and those that are read before they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from foliot.analysis.findings import Finding
from foliot.analysis.searching import Chart, Search
from foliot.definition import Action, Assign, Block, Definition, ForEach, If, StateNode
from foliot.testing import all_expressions, reads_of

_WHERE: Final = re.compile(r"transition (\d+) of |(?:entry|exit) of (.+)$")
_MISSING: Final = ("no_such_field", "no_such_key")


def unread_writes(search: Search) -> Iterator[Finding]:
    """Find names that are assigned and that no expression reads; those that are readOnly are for others."""
    definition = search.chart.definition
    if definition.system:
        return
    paths = {path for source in all_expressions(definition) for path in reads_of(source)}
    if "context" in paths:
        return
    known = {path.split(".")[1] for path in paths if path.startswith("context.")} | _for_others(definition)
    told: set[str] = set()
    for node, transition, actions in _blocks(definition):
        for name in _written(actions):
            if name not in known and name not in told:
                told.add(name)
                way = search.seen.states.get(node.id) if transition < 0 else search.seen.taken.get(transition)
                what = f"The name '{name}' of the context is written, and no expression reads it."
                remedy = "Take it out; or, if it is for readers outside, say readOnly: true in its schema."
                yield Finding("D010", node.id, what, remedy, transition, way, "Written after")


def reads_before_writes(search: Search) -> Iterator[Finding]:
    """Find expressions that had no value since a name of the context was not there yet."""
    definition = search.chart.definition
    late = {
        name for _, _, actions in _blocks(definition) for name in _written(actions)
    } - definition.context.initial.keys()
    told: set[tuple[str, str]] = set()
    for failure, way in search.seen.failed.items():
        name = next((each for each in sorted(late) if _is_of(failure.what, each)), None)
        if name is None or (name, failure.where) in told:
            continue
        told.add((name, failure.where))
        state, index = _place(search.chart, failure.where)
        what = f"The name '{name}' of the context is read before it is written ({failure.where})."
        remedy = f"Give it a value in context.initial, or ask has(context.{name}) first."
        yield Finding("D011", state, what, remedy, index, way)


def _is_of(what: str, name: str) -> bool:
    return any(reason in what for reason in _MISSING) and f"'{name}'" in what


def _place(chart: Chart, where: str) -> tuple[str, int]:
    """Find the state and the transition (-1: none) that an error names."""
    found = _WHERE.search(where)
    if found is None:
        return "", -1
    if found[2] is not None:
        return (found[2] if found[2] in chart.nodes else ""), -1
    index = int(found[1])
    return chart.transitions[index][0].id, index


def _for_others(definition: Definition) -> set[str]:
    schema: Any = definition.context.json_schema
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return set()
    return {name for name, about in properties.items() if isinstance(about, Mapping) and about.get("readOnly") is True}


def _blocks(definition: Definition) -> Iterator[tuple[StateNode, int, tuple[Action, ...]]]:
    for node in definition.root.walk():
        for transition in node.outgoing():
            yield node, transition.index, transition.actions
        for block in (node.entry, node.exit, node.default_actions, *(each.finalize for each in node.invocations)):
            yield node, -1, block


def _written(actions: tuple[Action, ...]) -> Iterator[str]:
    for action in actions:
        match action:
            case Assign():
                yield from action.values
            case If():
                yield from (name for branch in action.branches for name in _written(branch.actions))
            case ForEach() | Block():
                yield from _written(action.actions)
            case _:
                pass
