"""What goes into a step and what comes out: plain frozen values, with no behaviour.

Those that a step makes are tuples: a frozen dataclass of as many fields takes five times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias


@dataclass(frozen=True, slots=True)
class Limits:
    """The deterministic budget of a machine. Whoever changes one changes results: it belongs to the semantics.

    The size of a context is measured in steps that assign something other than numbers, truth values and short texts
    (see `foliot.engine.measures`).
    """

    microsteps_max: int = 1_000
    internal_queue_max: int = 1_000
    effects_max: int = 1_000
    timers_max: int = 1_000
    context_bytes_max: int = 1_048_576
    data_bytes_max: int = 1_048_576
    depth_max: int = 64


class Timer(NamedTuple):
    """An armed timer: the position of the step that armed it, the event that it will bring, and when (µs, UTC)."""

    armed: int
    event: str
    data: Any
    due: int


class State(NamedTuple):
    """All that a step needs of an instance.

    `configuration` holds the ids of the active states that have no active children, in document order; `history` what
    each history state remembers; `timers` what is armed, by id. The values inside `context`, `history` and `timers` are
    shared between states and must never be changed in place.
    """

    configuration: tuple[str, ...]
    context: Mapping[str, Any]
    history: Mapping[str, tuple[str, ...]]
    timers: Mapping[str, Timer]
    position: int
    done: bool


class Event(NamedTuple):
    """An event from outside. `timer` is (id, armed) where a timer fired, `time` is RFC 3339."""

    id: str
    source: str
    type: str
    data: Any
    time: str | None = None
    timer: tuple[str, int] | None = None


class ArmTimer(NamedTuple):
    """Start a timer. `due` is in microseconds since 1970, UTC; `armed` the position of the step that armed it."""

    id: str
    armed: int
    due: int
    event: str
    data: Any


class CancelTimer(NamedTuple):
    """Forget a timer that an earlier step armed."""

    id: str
    armed: int


class Send(NamedTuple):
    """Send an event to a topic. `ordinal` counts the sends of one step from 0."""

    ordinal: int
    topic: str
    event: str
    data: Any


class Log(NamedTuple):
    """Write a line to the log."""

    text: str


Effect: TypeAlias = ArmTimer | CancelTimer | Send | Log
Outcome: TypeAlias = Literal["taken", "ignored", "dropped"]


class Step(NamedTuple):
    """What one macrostep did.

    `effects`: cancelled timers by id, armed ones in the order of arming, sends and logs in the order of the actions.
    Timers that are due at the same time must fire in the order in which they were armed.
    `transitions`: the indexes of the transitions that all microsteps took, in order.
    """

    state: State
    outcome: Outcome
    effects: tuple[Effect, ...]
    transitions: tuple[int, ...]
