"""From a model back to the language."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final, assert_never

import orjson

from foliot.cel import text_of
from foliot.definition import words
from foliot.definition.building import ROLLBACK
from foliot.definition.loading import read
from foliot.definition.model import (
    Action,
    Assign,
    Block,
    Branch,
    Cancel,
    Cel,
    ContextSpec,
    Definition,
    Dispatch,
    EventSpec,
    Expression,
    ForEach,
    If,
    Invocation,
    Log,
    Payload,
    Raise,
    Retry,
    Send,
    StateNode,
    Transition,
    Withdraw,
)
from foliot.definition.yaml_writer import write_yaml
from foliot.errors import FoliotError

_Json = dict[str, Any]
_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))
_SAYS_ITSELF: Final = frozenset({"atomic", "compound", "history"})
"""Kinds of states that follow from what they have."""


class NotWritable(FoliotError):
    """A machine does what this language cannot say yet."""

    code = "not_writable"
    remedy = "Keep the machine in the language that it came from."


def dump(definition: Definition) -> str:
    """Write a machine as JSON that `load` reads back to an equal one, but for the numbers of its transitions.

    Raises:
        NotWritable: it comes from another language, and does what this one has no words for.
    """
    document = _document(definition)
    return _held(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n", "json", definition)


def dump_yaml(definition: Definition) -> str:
    """Write a machine as YAML, else as `dump` does.

    Raises:
        NotWritable: as `dump`.
    """
    return _held(write_yaml(_document(definition), _is_parted), "yaml", definition)


def _document(definition: Definition) -> _Json:
    _refuse(definition)
    initial = definition.context.initial
    head = {
        "foliot": definition.foliot,
        "id": definition.id,
        "description": definition.description,
        "create": "" if definition.create == "on_event" else definition.create,
        "poison": "" if definition.poison == "park" else definition.poison,
        "context": _schema(definition.context) | ({"initial": initial} if initial else {}),
        "events": {name: _schema(spec) or None for name, spec in definition.events.items()},
    }
    return {name: value for name, value in head.items() if value} | _state(definition.root)


def _is_parted(value: Mapping[str, Any]) -> bool:
    return "states" in value or any(isinstance(each, dict) and "states" in each for each in value.values())


def _held(text: str, ending: str, definition: Definition) -> str:
    """Give a text back that is read to the machine of which it was written.

    Raises:
        NotWritable: it is not.
    """
    again = read(text, filename=f"{definition.id}.{ending}")
    if again.definition is None:
        first = next(each for each in again.diagnostics if each.severity == "error")
        raise NotWritable(f"this language does not take it: {first.what}", where=first.path)
    if _numbered_anew(again.definition) != _numbered_anew(definition):
        raise NotWritable("its transitions are looked at in an order that cannot be told by their events")
    return text


def _refuse(definition: Definition) -> None:
    """Name what the language has no words for.

    Raises:
        NotWritable: there is something.
    """
    if definition.system:
        raise NotWritable("its expressions look at SCXML's system variables")
    for parent in definition.root.walk():
        if parent.default_actions or (parent.kind == "compound" and parent.initial is None):
            raise NotWritable("there is more to its beginning than a child of it", where=parent.id)
        if parent.output is not None and parent.output.required:
            raise NotWritable("its output is spoilt where a part of it has no value", where=parent.id)
        for child in parent.children:
            if child.id != (f"{parent.id}.{child.name}" if parent.id else child.name):
                raise NotWritable("its id is no path of names", where=child.id)


def _numbered_anew(definition: Definition) -> bytes:
    """Write a machine down with its transitions counted from 0."""
    count = itertools.count()

    def numbered(value: Any) -> Any:
        if isinstance(value, list):
            return [numbered(each) for each in value]
        if not isinstance(value, dict):
            return value
        # Not a loop, whose index is a name.
        own = {"index": next(count)} if isinstance(value.get("index"), int) else {}
        return {name: numbered(each) for name, each in value.items()} | own

    return orjson.dumps(numbered(definition.model_dump(mode="json")), option=orjson.OPT_SORT_KEYS)


def dump_actions(actions: Iterable[Action]) -> list[_Json]:
    """Write actions as the language has them.

    Raises:
        NotWritable: what one sends is told twice, as only SCXML lets it.
    """
    return [_action(action) for action in actions]


def dump_expression(expression: Expression) -> str | float | bool | None:
    """Write an expression as the language has it: CEL, or a constant."""
    return expression.source if isinstance(expression, Cel) else expression.value


def dump_invocation(invocation: Invocation) -> _Json:
    """Write a service as the language has it."""
    optional = {
        "idLocation": invocation.id_location,
        "type": _text(invocation.type),
        "src": _text(invocation.source),
        "autoForward": invocation.forwards or None,
        "finalize": dump_actions(invocation.finalize) or None,
        "retry": None if invocation.retry is None else _retry(invocation.retry),
        "timeout": None if invocation.timeout_ms is None else _duration(invocation.timeout_ms),
        "onDone": _transitions(invocation.on_done) or None,
        "onError": _transitions(invocation.on_error) or None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    content = {} if invocation.content is None else {"content": dump_expression(invocation.content)}
    return {"id": invocation.id, **given, **content, **_told("input", invocation.payload)}


def _retry(retry: Retry) -> _Json:
    return {
        "attempts": retry.attempts,
        "delay": _duration(retry.delay_ms),
        "factor": retry.factor,
        "delayMax": _duration(retry.delay_max_ms),
    }


def _schema(spec: ContextSpec | EventSpec) -> _Json:
    return {} if spec.json_schema is None else {"schema": spec.json_schema}


def _state(node: StateNode) -> _Json:
    kind = "" if node.kind in _SAYS_ITSELF else node.kind
    head = {"type": kind, "description": node.description, "history": node.history}
    initial = None if node.initial is None else node.initial.rpartition(".")[2]
    body = {
        "initial": initial,
        "entry": dump_actions(node.entry),
        "exit": dump_actions(node.exit),
        "defer": list(node.defer),
        "always": _transitions(node.always),
        "after": {_duration(timeout.delay_ms): _transitions(timeout.transitions) for timeout in node.after},
        "onDone": _transitions(node.on_done),
        "invoke": [dump_invocation(invocation) for invocation in node.invocations],
        "onError": _either([*[ROLLBACK] * node.rollback, *map(_transition, node.on_error)]),
        "on": _by_event(node.transitions),
        "states": {child.name: _state(child) for child in node.children},
    }
    output = {} if node.output is None else {"output": _payload(node.output)}
    return {name: value for name, value in (head | body).items() if value} | output | _targets(node.default_targets)


def _by_event(transitions: Iterable[Transition]) -> _Json:
    grouped: dict[str, list[Transition]] = {}
    for transition in transitions:
        grouped.setdefault(transition.event or "*", []).append(transition)
    return {event: _transitions(group) for event, group in grouped.items()}


def _transitions(transitions: Iterable[Transition]) -> Any:
    return _either([_transition(transition) for transition in transitions])


def _transition(transition: Transition) -> Any:
    """Write a transition: one that has nothing but a target is that."""
    written = _targets(transition.targets)
    if transition.description:
        written["description"] = transition.description
    if transition.guard is not None:
        written["guard"] = transition.guard
    if transition.actions:
        written["actions"] = dump_actions(transition.actions)
    if transition.reenter:
        written["reenter"] = True
    return written["target"] if written.keys() == {"target"} and len(transition.targets) == 1 else written


def _targets(targets: tuple[str, ...]) -> _Json:
    return {"target": _either([f"#{target}" for target in targets])} if targets else {}


def _either(listed: list[Any]) -> Any:
    """Write one thing by itself, others as a list."""
    return listed[0] if len(listed) == 1 else listed


def _duration(delay_ms: int) -> str:
    """Write a duration in the largest unit that it is whole in."""
    whole = (f"{delay_ms // unit_ms}{unit}" for unit, unit_ms in _UNITS if delay_ms and delay_ms % unit_ms == 0)
    return next(whole, f"{delay_ms}ms")


def _action(action: Action) -> _Json:  # noqa: C901, PLR0911 - one for each kind
    match action:
        case Assign():
            return {"assign": _expressions(action.values)}
        case Raise():
            return {"raise": action.event if not action.data else {"event": action.event, **_data(action.data)}}
        case Send():
            optional = {
                "delay": _duration(action.delay_ms) if action.delay_ms else None,
                "id": action.id,
                "to": None if action.topic is None else {"topic": action.topic},
            }
            given = {name: value for name, value in optional.items() if value is not None}
            return {"send": {"event": action.event, **_data(action.data), **given}}
        case Cancel():
            return {"cancel": action.id}
        case Log():
            return {"log": dump_expression(action.expression)}
        case If():
            return {"if": [_branch(branch) for branch in action.branches]}
        case ForEach():
            index = {} if action.index is None else {"index": action.index}
            actions = dump_actions(action.actions)
            return {
                "foreach": {"array": dump_expression(action.array), "item": action.item, **index, "actions": actions}
            }
        case Block():
            return {"block": dump_actions(action.actions)}
        case Dispatch():
            return {"send": _dispatch(action)}
        case Withdraw():
            return {"cancel": {"expression": dump_expression(action.id)}}
        case _:
            assert_never(action)


def _dispatch(action: Dispatch) -> _Json:
    """Write a dynamic send so that it is read as one: its event is always an expression."""
    target = _text(action.target)
    optional = {
        "to": None if target is None else {"target": target},
        "type": _text(action.processor),
        "delay": None if action.delay is None else _delay(action.delay),
        "id": action.id,
        "idLocation": action.id_location,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {"event": {"expression": dump_expression(action.event)}, **given, **_told("data", action.payload)}


def _text(expression: Expression | None) -> str | _Json | None:
    """Write a text that stands for itself, or the expression that gives one."""
    if expression is None:
        return None
    text = text_of(expression.source) if isinstance(expression, Cel) else None
    return {"expression": dump_expression(expression)} if text is None else text


def _delay(expression: Expression) -> str | _Json:
    text = text_of(expression.source) if isinstance(expression, Cel) else None
    ms = None if text is None else words.duration_ms(text)
    return {"expression": dump_expression(expression)} if ms is None or text != f"{ms}ms" else _duration(ms)


def _told(name: str, payload: Payload) -> _Json:
    """Write a payload as its strict part, or all of it in one expression, and the part that may lack a value."""
    written: _Json = {}
    if payload.content is not None and (payload.required or payload.values):
        raise NotWritable(f"its {name} is told as a whole and in parts")
    if payload.content is not None:
        written[name] = dump_expression(payload.content)
    elif payload.required:
        written[name] = _expressions(payload.required)
    if payload.values:
        written[f"{name}Optional"] = _expressions(payload.values)
    return written


def _branch(branch: Branch) -> _Json:
    guard = {} if branch.guard is None else {"guard": branch.guard}
    return {**guard, "actions": dump_actions(branch.actions)}


def _payload(payload: Payload) -> Any:
    return _expressions(payload.values) if payload.content is None else dump_expression(payload.content)


def _data(expressions: dict[str, Expression]) -> _Json:
    return {"data": _expressions(expressions)} if expressions else {}


def _expressions(expressions: dict[str, Expression]) -> _Json:
    return {name: dump_expression(expression) for name, expression in expressions.items()}
