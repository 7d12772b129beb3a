"""The incident machine, a second time: its three versions as tables, and a few lines that run them.

Written by hand from examples/incident/incident.v1.yaml, .v2.yaml and .v3.yaml. The machine has no parallel regions, so
a configuration is one leaf. Nothing here is shared with Foliot's engine: where the two disagree, one is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

MACHINE: Final = "incident"
PAGES_TOPIC: Final = "foliot.demo.pages"
FINAL_LEAF: Final = "closed"

Context = dict[str, Any]
Update = Callable[[Context, "Happening"], Context]
Guard = Callable[[Context, "Happening"], bool]


@dataclass(frozen=True, slots=True)
class Happening:
    """The event of a step; `timer` and `armed` only where a timer fired."""

    id: str
    type: str
    data: Any
    timer: str | None = None
    armed: int | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """An armed `after`: by the step at position `armed`, for the moment `due` (µs)."""

    armed: int
    due: int


@dataclass(frozen=True, slots=True)
class State:
    """All that a step needs. The mappings are never changed in place."""

    leaf: str
    context: Mapping[str, Any]
    timers: Mapping[str, Timer]
    position: int

    def plain(self) -> dict[str, Any]:
        """Give the encoded state as JSON values."""
        return {
            "configuration": [self.leaf],
            "context": self.context,
            "done": self.leaf == FINAL_LEAF,
            "history": {},
            "position": self.position,
            "timers": {
                name: {"armed": timer.armed, "data": None, "due": timer.due, "event": name}
                for name, timer in self.timers.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Message:
    """What a step sends to the topic of pages."""

    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step leads to. `taken` is False where nothing handled the event."""

    state: State
    taken: bool
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A transition: on `event`, if `guard`, do `updates`, send `page`, go to the leaf `target` unless it is None."""

    event: str
    target: str | None
    updates: tuple[Update, ...]
    guard: Guard | None = None
    page: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """A version: rules by state (leaf or parent), what leaves send when entered, and their `after` delays in µs."""

    rules: Mapping[str, tuple[Rule, ...]]
    greetings: Mapping[str, tuple[str, tuple[str, ...]]]
    delays: Mapping[str, tuple[str, int]]
    leaves: frozenset[str]


@dataclass(frozen=True, slots=True)
class Schema:
    """What an event's data must be: with a severity from 1 to 5, and with text, if anything, under `text`."""

    ranked: bool
    text: str | None


_SCHEMAS: Final = {
    "reported": Schema(ranked=True, text="title"),
    "reprioritized": Schema(ranked=True, text=None),
    "noted": Schema(ranked=False, text="text"),
}


def digest(text: str) -> str:
    """Do what CEL's `digest` does in Foliot: BLAKE2b, 16 bytes, hex."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _see(context: Context, event: Happening) -> Context:
    return {**context, "chain": digest(context["chain"] + event.id), "seen": context["seen"] + 1}


def _note(context: Context, _event: Happening) -> Context:
    return {**context, "notes": context["notes"] + 1}


def _rank(context: Context, event: Happening) -> Context:
    return {**context, "severity": event.data["severity"]}


def _escalate(context: Context, _event: Happening) -> Context:
    return {**context, "escalations": context["escalations"] + 1}


def _suspend(context: Context, _event: Happening) -> Context:
    return {**context, "suspensions": context.get("suspensions", 0) + 1}


def _becomes_major(context: Context, event: Happening) -> bool:
    return bool(event.data["severity"] == 1 and context["severity"] > 1)


_MINUTES_30: Final = 1_800_000_000
_HOURS_2: Final = 7_200_000_000
_WAITED: Final = "after.1800000.open.waiting"
_RESTED: Final = "after.7200000.open.suspended"
_PAGED: Final = ("incident.paged", ("severity", "seen"))
_ESCALATED: Final = ("incident.escalated", ("escalations", "severity"))


def _edition(top: str, *, suspends: bool) -> Edition:
    """Write the tables of a version whose escalated incidents are in the leaf `top`."""
    rules: dict[str, tuple[Rule, ...]] = {
        "new": (Rule("reported", "open.waiting", (_see, _rank)),),
        "open": (
            Rule("noted", None, (_see, _note)),
            Rule("reprioritized", top, (_see, _rank, _escalate), _becomes_major, _PAGED),
            Rule("reprioritized", None, (_see, _rank)),
            Rule("resolved", "resolved", (_see,)),
        ),
        "open.waiting": (Rule("acknowledged", "open.working", (_see,)), Rule(_WAITED, top, (_escalate,))),
        "open.working": (Rule("escalated", top, (_see, _escalate)),),
        top: (Rule("acknowledged", "open.working", (_see,)),),
        "resolved": (Rule("reopened", "open.waiting", (_see,)), Rule("closed", FINAL_LEAF, (_see,))),
        FINAL_LEAF: (),
    }
    delays = {"open.waiting": (_WAITED, _MINUTES_30)}
    if suspends:
        rules["open.working"] += (Rule("suspended", "open.suspended", (_see, _suspend)),)
        rules["open.suspended"] = (Rule("resumed", "open.working", (_see,)), Rule(_RESTED, "open.working", ()))
        delays["open.suspended"] = (_RESTED, _HOURS_2)
    return Edition(rules, {top: _ESCALATED}, delays, frozenset(rules) - {"open"})


EDITIONS: Final[Mapping[int, Edition]] = {
    1: _edition("open.escalated", suspends=False),
    2: _edition("open.escalated", suspends=True),
    3: _edition("open.major", suspends=True),
}


def birth() -> State:
    """Give the state at position 1, the same in every version."""
    return State("new", {"chain": "", "seen": 0, "severity": 4, "notes": 0, "escalations": 0}, {}, 1)


def step(version: int, state: State, event: Happening, now: int) -> Outcome | None:
    """Run one step; None means dropped: the event is of a timer that the state does not have."""
    if event.timer is not None:
        timer = state.timers.get(event.timer)
        if timer is None or timer.armed != event.armed:
            return None
    edition = EDITIONS[version]
    position = state.position + 1
    context = dict(state.context)
    rule = _select(edition, state.leaf, context, event)
    if rule is None:
        return Outcome(State(state.leaf, context, state.timers, position), taken=False, messages=())
    for update in rule.updates:
        context = update(context, event)
    messages = [_message(rule.page, context)] if rule.page else []
    if rule.target is None:
        return Outcome(State(state.leaf, context, state.timers, position), taken=True, messages=tuple(messages))
    if rule.target in edition.greetings:
        messages.append(_message(edition.greetings[rule.target], context))
    timers: dict[str, Timer] = {}
    if rule.target in edition.delays:
        name, delay = edition.delays[rule.target]
        timers[name] = Timer(position, now + delay)
    return Outcome(State(rule.target, context, timers, position), taken=True, messages=tuple(messages))


def fits(version: int, state: State) -> bool:
    """Say whether the state's configuration exists in the version."""
    return version in EDITIONS and state.leaf in EDITIONS[version].leaves


def outside_schema(event_type: str, data: Any) -> str | None:
    """Say what about an event's data its schema refuses. A `noted` without any data is left to the engine."""
    schema = _SCHEMAS.get(event_type)
    if schema is None or (data is None and not schema.ranked):
        return None
    if not isinstance(data, dict):
        return f"{event_type}: data is no object"
    severity = data.get("severity")
    is_number = isinstance(severity, int | float) and not isinstance(severity, bool)
    if schema.ranked and not (is_number and severity in {1, 2, 3, 4, 5}):
        return f"{event_type}: severity is no integer from 1 to 5"
    if schema.text is not None and not isinstance(data.get(schema.text, ""), str):
        return f"{event_type}: {schema.text} is no string"
    return None


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(state: State) -> str:
    """Encode the state as Foliot must: sorted keys, no blanks, text unescaped."""
    return _encode(state.plain())


def _select(edition: Edition, leaf: str, context: Context, event: Happening) -> Rule | None:
    """Pick the first enabled rule, innermost state first."""
    for place in (leaf, leaf.partition(".")[0]) if "." in leaf else (leaf,):
        for rule in edition.rules[place]:
            if rule.event in _prefixes(event.type) and (rule.guard is None or rule.guard(context, event)):
                return rule
    return None


def _prefixes(event_type: str) -> Iterator[str]:
    """Give the descriptors that match an event type: itself, and each of its beginnings that end at a dot."""
    yield event_type
    while "." in event_type:
        event_type = event_type.rpartition(".")[0]
        yield event_type


def _message(page: tuple[str, tuple[str, ...]], context: Context) -> Message:
    name, fields = page
    return Message(name, {field: context[field] for field in fields})
