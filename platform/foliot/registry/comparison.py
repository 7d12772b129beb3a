"""What is different between two versions of a machine, in words that people can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import orjson

from foliot.definition import Definition, StateNode, Transition

Kind: TypeAlias = Literal["added", "removed", "changed"]
_STATE_FIELDS: Final = (
    *("kind", "initial", "history", "default_targets", "default_actions", "entry", "exit"),
    *("output", "invocations", "defer", "rollback"),
)
_MACHINE_FIELDS: Final = ("description", "create", "poison")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `before` and `after` are one-line texts, empty where there is nothing."""

    kind: Kind
    what: Literal["machine", "state", "transition", "context", "event"]
    path: str
    before: str
    after: str

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.kind]
        texts = [text for text in (self.before, self.after) if text]
        return f"{sign} {self.what} {self.path}" + (f": {'  →  '.join(texts)}" if texts else "")


def diff(before: Definition, after: Definition) -> tuple[Difference, ...]:
    """Compare the machine, its context, its events, its states and its transitions, in this order."""
    return (
        *_compare("machine", _machine(before), _machine(after)),
        *_compare("context", _context(before), _context(after)),
        *_compare("event", _events(before), _events(after)),
        *_compare("state", _states(before.root), _states(after.root)),
        *_compare("transition", _transitions(before.root), _transitions(after.root)),
    )


_Parts: TypeAlias = Mapping[str, str]


def _compare(
    what: Literal["machine", "state", "transition", "context", "event"], before: _Parts, after: _Parts
) -> Iterator[Difference]:
    for path in [*before, *(path for path in after if path not in before)]:
        if path not in after:
            yield Difference("removed", what, path, before[path], "")
        elif path not in before:
            yield Difference("added", what, path, "", after[path])
        elif before[path] != after[path]:
            yield Difference("changed", what, path, before[path], after[path])


def _machine(definition: Definition) -> _Parts:
    return {name: str(getattr(definition, name)) for name in _MACHINE_FIELDS}


def _context(definition: Definition) -> _Parts:
    schema = definition.context.json_schema
    parts: dict[str, str] = {}
    if isinstance(schema, dict):
        for keyword, value in schema.items():
            if keyword == "properties" and isinstance(value, dict):
                parts |= {f"schema.properties.{name}": _text(each) for name, each in value.items()}
            else:
                parts[f"schema.{keyword}"] = _text(value)
    elif schema is not None:
        parts["schema"] = _text(schema)
    return parts | {f"initial.{name}": _text(value) for name, value in definition.context.initial.items()}


def _events(definition: Definition) -> _Parts:
    return {name: _text(spec.json_schema) for name, spec in definition.events.items()}


def _states(root: StateNode) -> _Parts:
    return {node.id or "(root)": _state(node) for node in root.walk()}


def _state(node: StateNode) -> str:
    # The transitions of invocations are told with all others.
    left_out = {"invocations": {"__all__": {"on_done", "on_error"}}}
    fields = node.model_dump(mode="json", include=set(_STATE_FIELDS), exclude=left_out)
    kind = fields.pop("kind")
    return " ".join([kind, *(f"{name}={_text(value)}" for name, value in fields.items() if value)])


def _transitions(root: StateNode) -> _Parts:
    """Name each transition by its state, its trigger and its place among those of the same trigger."""
    parts: dict[str, str] = {}
    for node in root.walk():
        for trigger, transition in _triggers(node):
            path, place = f"{node.id or '(root)'} {trigger}", 1
            while (path if place == 1 else f"{path} ({place})") in parts:
                place += 1
            parts[path if place == 1 else f"{path} ({place})"] = _transition(transition)
    return parts


def _triggers(node: StateNode) -> Iterator[tuple[str, Transition]]:
    yield from (("always", transition) for transition in node.always)
    for timeout in node.after:
        yield from ((f"after {timeout.delay_ms}ms", transition) for transition in timeout.transitions)
    yield from (("onDone", transition) for transition in node.on_done)
    for number, invocation in enumerate(node.invocations):
        yield from ((f"invoke {number} onDone", transition) for transition in invocation.on_done)
        yield from ((f"invoke {number} onError", transition) for transition in invocation.on_error)
    yield from (("onError", transition) for transition in node.on_error)
    yield from ((f"on {transition.event}", transition) for transition in node.transitions)


def _transition(transition: Transition) -> str:
    words = [f"to {', '.join(transition.targets)}" if transition.targets else "stays"]
    if transition.guard is not None:
        words.append(f"if {transition.guard}")
    if transition.reenter:
        words.append("reenter")
    if transition.actions:
        words.append(f"do {_text([action.model_dump(mode='json') for action in transition.actions])}")
    return " ".join(words)


def _text(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
