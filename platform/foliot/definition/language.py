"""The language of machines as a JSON Schema (2020-12), by which editors complete, explain and check what is typed.

It is made of what the reader is made of: its keys, words and patterns. It refuses nothing that the reader takes; what
only the whole machine shows (targets, names of the context, CEL) is left to `check`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from foliot.definition import words
from foliot.definition.actions import ACTIONS
from foliot.definition.building import TRANSITION_KEYS
from foliot.definition.census import FOREIGN, KINDS, ROOT_KEYS, STATE_KEYS
from foliot.definition.invoking import ATTEMPTS_MAX, FACTOR, FACTOR_MAX
from foliot.definition.limits import Limits
from foliot.definition.model import StateKind
from foliot.definition.schemas import DRAFT
from foliot.reserved import RESERVED_EVENT

_Schema: TypeAlias = dict[str, Any]

_LIMITS: Final = Limits()
_ROOT_KINDS: Final = ("atomic", "compound", "parallel")


def _pattern(pattern: re.Pattern[str], remedy: str) -> _Schema:
    """Hold a text to a pattern; editors show the remedy instead of the pattern where they know this annotation."""
    return {"pattern": f"^(?:{_ecma(pattern)})", "patternErrorMessage": remedy}


def _ecma(pattern: re.Pattern[str]) -> str:
    """Write a regular expression as ECMA-262 does, where `$` is the very end."""
    return pattern.pattern.replace(r"\Z", "$")


_NAME: Final[_Schema] = {"type": "string", "maxLength": _LIMITS.name_chars_max}
_RESERVED: Final[_Schema] = {"not": {"type": "string", "pattern": f"^(?:{_ecma(RESERVED_EVENT)})"}}
_STATE_NAME: Final = _NAME | _pattern(words.STATE_NAME, words.STATE_NAME_FORM)
_EVENT: Final = _NAME | _pattern(words.EVENT_NAME, words.EVENT_NAME_FORM)
_OWN_EVENT: Final = _EVENT | _RESERVED
_TIMER_ID: Final = _NAME | _RESERVED | _pattern(words.TIMER_ID, words.TIMER_ID_FORM)
_INVOKE_ID: Final = _NAME | _pattern(words.INVOKE_ID, words.INVOKE_ID_FORM)
_DURATION: Final[_Schema] = {
    "type": ["integer", "string"],
    "minimum": 0,
    "maximum": _LIMITS.duration_days_max * 86_400_000,
    **_pattern(words.DURATION, words.DURATION_FORM),
}
_TARGET: Final[_Schema] = {"type": "string", **_pattern(words.TARGET, words.TARGET_FORM)}
_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "foliot": "The version of the language: 1.",
        "id": "The machine's name: at most 63 lower-case letters, digits, - and _.",
        "description": "What it is for, in words for people.",
        "create": "on_event: the first event for a new key makes an instance. explicit: such an event is refused.",
        "poison": "What becomes of an event on which the machine fails. park: its instance is held until somebody "
        "releases it. skip: the event is set aside.",
        "context": "The data of an instance.",
        "events": "The events that the machine knows, with the schemas of their data. An event that is not listed "
        "takes any data.",
        "type": "The kind of state; it follows from the content where it is left out.",
        "initial": "The child that is entered first.",
        "states": "The child states, by name.",
        "on": "Transitions by event: a.b fits a.b and all that begin with a.b., as does a.b.*; * fits all.",
        "always": "Transitions that are taken without an event, as soon as their guard is true.",
        "after": "Transitions that are taken after a duration in this state: 250ms, 30s, 15m, 2h, 7d.",
        "onDone": "Transitions that are taken when a child that is final is entered (parallel: one in each region).",
        "onError": "Transitions that are taken when an action or a guard fails. With the word rollback among them an "
        "action that fails in this state undoes its whole step first.",
        "entry": "Actions on entering the state.",
        "exit": "Actions on leaving the state.",
        "history": "Makes it a history state, which leads to where its parent was last. shallow: to the child. "
        "deep: to all states below, too.",
        "target": "Where it leads: name (beside this state), .name (a child of it) or #path.from.the.root. Without "
        "a target the actions run and no state is left.",
        "guard": "A condition in CEL: the transition is taken only where it is true. It sees context, event and "
        "inState('path').",
        "actions": "Actions on the way.",
        "reenter": "Whether a transition to the state itself, or to one below, leaves the state and enters it anew.",
        "assign": "Set top-level names of the context. All expressions see the context from before this action.",
        "raise": "Raise an event inside of this step: its name, or an object with event and data.",
        "send": "Send an event to the instance itself, now or after a delay, or to a session, or a message to a topic.",
        "cancel": "Disarm the timer of a send with this id.",
        "log": "Write the value of an expression to the log.",
        "if": "Run the actions of the first branch whose guard holds; one without a guard is last.",
        "foreach": "Run actions for each item of a list, as it is before the first of them.",
        "script": "Assign one after the other: lines name = expression, each of which sees those before it.",
        "block": "Actions of which an error ends the rest, but nothing beside them.",
        "defer": "Events that are kept while this state is active and nothing in it takes them; they come again, in "
        "their order, once no active state defers them.",
        "invoke": "Services that run as long as the state is active: one, or a list.",
        "output": "What the event that says that the parent is done carries: expressions by name, or one expression.",
    }
)


def language_schema() -> _Schema:
    """Write the schema."""
    return {
        "$schema": DRAFT,
        "title": "Foliot machine",
        "description": "A machine in version 1 of the language.",
        "type": "object",
        "required": ["foliot", "id"],
        "properties": _properties(ROOT_KEYS, _head() | _body(_ROOT_KINDS)),
        "additionalProperties": False,
        "allOf": [_kind(kind, ROOT_KEYS) for kind in FOREIGN if kind in _ROOT_KINDS],
        "$defs": {
            **_words(),
            "state": {
                "title": "State",
                "description": "A state of the machine.",
                "type": ["object", "null"],
                "properties": _properties(STATE_KEYS, _body(KINDS) | _special()),
                "additionalProperties": False,
                "allOf": [_kind(kind, STATE_KEYS) for kind in FOREIGN],
            },
            "transition": _transition_schema(),
            "transitions": _transition_schema("array")
            | {
                "title": "Transitions",
                "description": "A transition, or a list of which the first that fits is taken.",
                "items": _ref("transition"),
            },
            "invocation": _invocation_schema(),
            "invocations": _invocation_schema("array")
            | {
                "title": "Services",
                "description": "A service, or a list of those that run beside each other.",
                "items": _ref("invocation"),
            },
            "actions": {"title": "Actions", "type": "array", "items": _ref("action")},
            "action": {
                "title": "Action",
                "description": "One action: an object with exactly one key.",
                **_object(_properties(ACTIONS, _actions())),
                "minProperties": 1,
                "maxProperties": 1,
            },
        },
    }


def _head() -> _Schema:
    context = {
        "schema": _json_schema("A JSON Schema (2020-12) of the context."),
        "initial": {"type": "object", "description": "The context of a new instance."},
    }
    data = {"schema": _json_schema("A JSON Schema (2020-12) of the event's data.")}
    return {
        "foliot": {"const": 1},
        "id": {"type": "string", **_pattern(words.MACHINE_ID, words.MACHINE_ID_FORM)},
        "create": {"enum": ["on_event", "explicit"], "default": "on_event"},
        "poison": {"enum": ["park", "skip"], "default": "park"},
        "context": _object(context),
        "events": {
            "type": "object",
            "propertyNames": _ref("own_event"),
            "additionalProperties": _object(data) | {"type": ["object", "null"]},
        },
    }


def _body(kinds: Iterable[str]) -> _Schema:
    """Say what a state and the machine have in common."""
    return {
        "description": {"type": "string"},
        "type": {"enum": list(kinds)},
        "initial": _ref("state_name"),
        "states": {"type": "object", "propertyNames": _ref("state_name"), "additionalProperties": _ref("state")},
        "on": {
            "type": "object",
            "propertyNames": _pattern(words.EVENT_DESCRIPTOR, words.EVENT_DESCRIPTOR_FORM),
            "additionalProperties": _ref("transitions"),
        },
        "always": _ref("transitions"),
        "after": {
            "type": "object",
            "propertyNames": _pattern(words.DURATION, words.DURATION_FORM),
            "additionalProperties": _ref("transitions"),
        },
        "onDone": _ref("transitions"),
        "onError": _ref("transitions"),
        "entry": _ref("actions"),
        "exit": _ref("actions"),
        "invoke": _ref("invocations"),
    }


def _special() -> _Schema:
    """Say what history states and final ones have beside."""
    target = {"description": "Where a history state leads as long as its parent was nowhere."}
    event = _pattern(words.EVENT_DESCRIPTOR, words.EVENT_DESCRIPTOR_FORM)
    defer = {"type": ["string", "array"], **event, "items": {"type": "string", **event}}
    output = {"type": ["object", "string", "number", "boolean", "null"], "additionalProperties": _ref("expression")}
    return {
        "history": {"enum": ["shallow", "deep"]},
        "target": _ref("targets") | target,
        "output": output,
        "defer": defer,
    }


def _transition_schema(*more_types: str) -> _Schema:
    # One schema for all types that a value may have, not `anyOf`: a fault is then told of the type that is there.
    fields = {
        "target": _ref("targets"),
        "guard": {"type": "string", "minLength": 1},
        "actions": _ref("actions"),
        "reenter": {"type": "boolean", "default": False},
        "description": {"type": "string"},
    }
    return {
        "title": "Transition",
        "description": "A transition: its target alone, or an object.",
        **_TARGET,
        **_object(_properties(TRANSITION_KEYS, fields)),
        "type": ["string", "object", *more_types],
    }


def _actions() -> _Schema:
    expressions = {"type": "object", "additionalProperties": _ref("expression")}
    data = expressions | {"description": "The data of the event: expressions by name."}
    event = {"description": "The name of the event."}
    raised = _object({"event": _ref("own_event") | event, "data": data}, "event")
    does = _ref("actions") | {"description": "What is done."}
    guard = {"type": "string", "minLength": 1, "description": "A condition in CEL; left out, it always holds."}
    branch = {"guard": guard, "actions": does}
    variable = {"type": "string", **_pattern(words.VARIABLE, "Use letters, digits and _.")}
    loop = {
        "array": _ref("expression") | {"description": "The list."},
        "item": variable | {"description": "The name of the context that each item is given."},
        "index": variable | {"description": "The name of the context that its place is given, from 0."},
        "actions": does,
    }
    line = _pattern(words.STATEMENT, "Write name = expression.")
    return {
        "assign": expressions | {"minProperties": 1},
        "raise": _OWN_EVENT | raised | {"type": ["string", "object"]},
        "send": _send(),
        "cancel": _TIMER_ID | _expression("The id, by an expression.") | {"type": ["string", "object"]},
        "log": _ref("expression"),
        "if": {"type": "array", "minItems": 1, "items": _object(branch)},
        "foreach": _object(loop, "array", "item"),
        "script": {"type": ["string", "array"], **line, "minItems": 1, "items": {"type": "string", **line}},
        "block": _ref("actions"),
    }


def _send() -> _Schema:
    """Say what a send looks like: which of its keys have a meaning depends on where it goes."""
    topic = {
        "type": "string",
        "description": "The name of the Kafka topic.",
        **_pattern(words.TOPIC, words.TOPIC_FORM),
    }
    target = _ref("dynamic") | {"description": "A session, as SCXML names it: #_parent, #_INVOKEID, #_scxml_ID."}
    to = _object({"topic": topic, "target": target}) | {"minProperties": 1, "maxProperties": 1}
    variable = {"type": "string", **_pattern(words.VARIABLE, "Use letters, digits and _.")}
    fields = {
        "event": _EVENT | _expression("The name, by an expression.") | {"type": ["string", "object"]},
        "data": _payload("The data of the event: expressions by name, all of which must have a value, or one for all."),
        "dataOptional": _named("Data of which what has no value is left out."),
        "delay": _DURATION | _expression("How long, by an expression.") | {"type": ["integer", "string", "object"]},
        "id": _ref("timer_id") | {"description": "By what a cancel names the timer."},
        "idLocation": variable | {"description": "The name of the context that a new id is written to."},
        "to": to | {"description": "A Kafka topic or a session; without it the event goes to the instance itself."},
        "type": _ref("dynamic") | {"description": "The event processor of SCXML that sends it."},
    }
    fields["event"] = fields["event"] | {"description": "The name of the event."}
    fields["delay"] = fields["delay"] | {"description": "How long the event waits; 0s where it is left out."}
    to_topic = {"required": ["to"], "properties": {"to": {"type": "object", "not": {"required": ["target"]}}}}
    static = {"event": {"type": "string"}, "data": {"type": "object"}}
    meaningless = dict.fromkeys(("delay", "id", "idLocation", "type", "dataOptional"), False)
    return {
        **_object(fields, "event"),
        "allOf": [
            {"if": to_topic, "then": {"properties": static | meaningless}},
            {"if": {"not": {"required": ["to"]}}, "then": {"properties": {"event": _RESERVED}}},
            _whole_or_parts("data"),
        ],
    }


def _invocation_schema(*more_types: str) -> _Schema:
    """Say what a service looks like."""
    variable = {"type": "string", **_pattern(words.VARIABLE, "Use letters, digits and _.")}
    attempts = {"type": "integer", "minimum": 1, "maximum": ATTEMPTS_MAX}
    factor = {"type": "number", "minimum": 1, "maximum": FACTOR_MAX, "default": FACTOR}
    retry = {
        "attempts": attempts | {"description": "How often it is tried, all in all."},
        "delay": _ref("duration") | {"description": "How long to wait after the first failure; 1s if left out."},
        "factor": factor | {"description": "How much longer each delay is than the one before."},
        "delayMax": _ref("duration") | {"description": "The longest delay; 1h if left out."},
    }
    fields = {
        "id": {**_INVOKE_ID, "type": ["string", "null"]}
        | {"description": "What its events are called by: the state's path if left out. null: a new one each time."},
        "idLocation": variable | {"description": "The name of the context that the id is written to."},
        "type": _ref("dynamic") | {"description": "The kind of service."},
        "src": _ref("dynamic") | {"description": "The service's name or address."},
        "content": _ref("expression") | {"description": "The service itself, such as a machine's text."},
        "input": _payload("What it is given: expressions by name, all of which must have a value, or one for all."),
        "inputOptional": _named("What it is given, too; what has no value is left out."),
        "autoForward": {
            "type": "boolean",
            "default": False,
            "description": "Whether it gets every event from outside that the instance gets.",
        },
        "finalize": _ref("actions") | {"description": "What is done when an event of it comes, before transitions."},
        "onDone": _ref("transitions") | {"description": "Transitions for its answer, which is event.data."},
        "onError": _ref("transitions")
        | {"description": "Transitions for its end in an error; event.data has attempts, reason and message."},
        "retry": _object(retry, "attempts") | {"description": "What is done when it fails; nothing if left out."},
        "timeout": _ref("duration") | {"description": "How long it may take, all attempts together."},
    }
    new_id = [
        {"required": ["id"], "properties": {"id": {"type": "null"}}},
        {"required": ["idLocation"], "not": {"required": ["id"]}},
    ]
    return {
        "title": "Service",
        "description": "A service: onDone and onError wait for done.invoke.ID and error.communication.invoke.ID.",
        **_object(fields),
        "type": ["object", *more_types],
        "allOf": [
            {"if": {"type": "object"}, "then": {"anyOf": [{"required": ["src"]}, {"required": ["content"]}]}},
            {
                "if": {"type": "object", "anyOf": new_id},
                "then": {"properties": {"onDone": False, "onError": False}},
            },
            _whole_or_parts("input"),
        ],
    }


def _payload(said: str) -> _Schema:
    any_value = ["object", "string", "number", "boolean", "null"]
    return {"type": any_value, "minLength": 1, "additionalProperties": _ref("expression"), "description": said}


def _named(said: str) -> _Schema:
    return {"type": "object", "additionalProperties": _ref("expression"), "description": said}


def _whole_or_parts(name: str) -> _Schema:
    told = {"required": [name], "properties": {name: {"not": {"type": "object"}}}}
    return {"if": {"type": "object", **told}, "then": {"properties": {f"{name}Optional": False}}}


def _expression(said: str) -> _Schema:
    """Say what stands where an expression gives what would be a text."""
    return _object({"expression": _ref("expression") | {"description": said}}, "expression")


def _words() -> _Schema:
    """Say what names, targets, expressions and durations look like."""
    return {
        "state_name": {"title": "Name of a state", **_STATE_NAME},
        "event": {"title": "Name of an event", **_EVENT},
        "own_event": {"title": "Name of an event", **_OWN_EVENT},
        "timer_id": {"title": "Id of a timer", **_TIMER_ID},
        "target": {"title": "Target", "description": _SAID["target"], **_TARGET},
        "targets": {
            "title": "Targets",
            "description": _SAID["target"],
            **_TARGET,
            "type": ["string", "array"],
            "items": _ref("target"),
            "minItems": 1,
        },
        "expression": {
            "title": "Expression",
            "description": "CEL as a text (a constant text has quotes inside: \"'text'\"), or a constant.",
            "type": ["string", "number", "boolean", "null"],
            "minLength": 1,
        },
        "dynamic": {
            "title": "Text or expression",
            "description": "A text that stands for itself, or {expression: CEL}.",
            **_expression("What gives the text."),
            "type": ["string", "object"],
        },
        "duration": {
            "title": "Duration",
            "description": "250ms, 30s, 15m, 2h, 7d or a whole number of milliseconds.",
            **_DURATION,
        },
    }


def _kind(kind: StateKind, keys: Iterable[str]) -> _Schema:
    """Say what a state of a kind must have and can't have; the kind is written, or follows from the content."""
    needed = {"compound": ["initial", "states"], "parallel": ["states"]}.get(kind, [])
    states: _Schema = {"minProperties": 1} if needed else {}
    if kind == "parallel":
        final = {"type": "object", "required": ["type"], "properties": {"type": {"const": "final"}}}
        states["additionalProperties"] = {"not": final}
    foreign = FOREIGN[kind] | ({"states"} if kind == "atomic" else set())
    content = ({"states": states} if states else {}) | {key: False for key in keys if key in foreign}
    return {
        "if": {"type": "object", "anyOf": [_written(kind), *_inferred(kind)]},
        "then": ({"required": needed} if needed else {}) | {"properties": content},
    }


def _written(kind: StateKind) -> _Schema:
    return {"required": ["type"], "properties": {"type": {"const": kind}}}


def _inferred(kind: StateKind) -> list[_Schema]:
    match kind:
        case "history":
            return [_has("history", but_not=("type",))]
        case "compound":
            return [_has("states", but_not=("type", "history"))]
        case "atomic":
            return [_has(but_not=("type", "history", "states"))]
        case _:
            return []


def _has(*keys: str, but_not: Iterable[str]) -> _Schema:
    without = {"not": {"anyOf": [{"required": [key]} for key in but_not]}}
    return {"required": list(keys)} | without if keys else without


def _properties(keys: Iterable[str], schemas: Mapping[str, _Schema]) -> _Schema:
    """Give each key its schema, with what it is for where the schema does not say it itself."""
    return {key: {"description": _SAID[key]} | schemas[key] for key in keys}


def _object(properties: Mapping[str, Any], *required: str) -> _Schema:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", **needed, "properties": dict(properties), "additionalProperties": False}


def _json_schema(said: str) -> _Schema:
    return {"type": ["object", "boolean"], "description": said}


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}
