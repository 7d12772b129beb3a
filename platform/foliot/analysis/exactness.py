"""Whether a search with samples of data meets all that can happen, so that what it did not see never does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from foliot.cel import SOMETHING, Condition, Facts, schema_ranges
from foliot.definition import (
    ENVIRONMENT,
    Action,
    Assign,
    Block,
    Cel,
    Definition,
    Dispatch,
    ForEach,
    If,
    Log,
    SentData,
    StateNode,
)
from foliot.testing import deciding_names, expressions_of, guards_of, reads_of

_ERROR: Final = "error.execution"
# Types that are compared with are tried, and one that is none of them.
_TYPE_COMPARED: Final = re.compile(r"""\bevent\.type\s*[!=]=\s*(?:'[^']*'|"[^"]*")""")


def is_faithful(definition: Definition) -> bool:
    """Say whether a search meets all that happens to an instance: nobody else talks to it."""
    invokes = any(node.invocations for node in definition.root.walk())
    return not (definition.system or invokes or any(isinstance(each, Dispatch) for each in definition.actions()))


def is_exact(definition: Definition) -> bool:
    """Say whether nothing decides where the machine goes that samples, and what a search tells apart, leave out."""
    names = deciding_names(definition)
    if names is None or not is_faithful(definition):
        return False
    sources = list(guards_of(definition))
    for action in definition.actions():
        match action:
            case Assign():
                sources += [
                    each.source for name, each in action.values.items() if name in names and isinstance(each, Cel)
                ]
            case ForEach(array=Cel(source=source)):
                sources.append(source)
            case _:
                pass
    known = {f"context.{name}" for name in names}
    return not any(map(_depends_on_event, sources)) and all(
        any(path == each or path.startswith(f"{each}.") for each in known)
        for source in _failing(definition, names)
        for path in reads_of(source)
    )


def _depends_on_event(source: str) -> bool:
    reads = {path for path in reads_of(_TYPE_COMPARED.sub("true", source)) if path.partition(".")[0] == "event"}
    return bool(reads)


def _failing(definition: Definition, names: Collection[str]) -> Iterator[str]:
    """Yield expressions of actions that may fail where that shows in the way: an error, and actions that are left."""
    sent = SentData(definition)
    context = definition.context
    there = ("event.type", *(f"context.{name}" for name in context.initial))
    said = dict(schema_ranges("context", context.json_schema))
    facts = said | {path: said.get(path, SOMETHING).present() for path in there}
    tells = _hears_errors(definition)
    for node in definition.root.walk():
        blocks: list[tuple[str | None, tuple[Action, ...]]] = [
            *((None, block) for block in (node.entry, node.exit, node.default_actions)),
            *((each.event, each.actions) for each in node.outgoing()),
        ]
        for event, block in blocks:
            of_event = dict(schema_ranges("event.data", sent.schema(event)))
            yield from (each for each in _deciding(block, names, tells=tells) if _may_fail(each, facts | of_event))
        if tells and node.output is not None:
            values = (*node.output.values.values(), *node.output.required.values(), node.output.content)
            yield from (each.source for each in values if isinstance(each, Cel) and _may_fail(each.source, facts))


def _deciding(block: tuple[Action, ...], names: Collection[str], *, tells: bool) -> Iterator[str]:
    """Yield the expressions of a block without whose values it would do less that decides."""
    for action in reversed(block):
        tells = tells or _steers(action, names)
        if tells:
            yield from expressions_of((action,))


def _steers(action: Action, names: Collection[str]) -> bool:
    match action:
        case Assign():
            return not action.values.keys().isdisjoint(names)
        case Log():
            return False
        case If():
            return any(_steers(each, names) for branch in action.branches for each in branch.actions)
        case ForEach() | Block():
            return any(_steers(each, names) for each in action.actions)
        case _:
            return True


def _may_fail(source: str, facts: Facts) -> bool:
    return Condition(source, ENVIRONMENT).may_lack_value(facts)


def _hears_errors(definition: Definition) -> bool:
    nodes = list(definition.root.walk())
    return any(node.rollback or node.on_error or _hears(node) for node in nodes)


def _hears(node: StateNode) -> bool:
    names = [name for each in node.transitions for name in (each.event or "").split()]
    prefixes = [name.removesuffix("*").removesuffix(".") for name in (*names, *" ".join(node.defer).split())]
    asked = [each.guard for each in node.always if each.guard is not None]
    return any(not prefix or f"{_ERROR}.".startswith(f"{prefix}.") for prefix in prefixes) or any(
        path.partition(".")[0] == "event" for guard in asked for path in reads_of(guard)
    )
