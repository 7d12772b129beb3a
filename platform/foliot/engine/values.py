"""What goes into a step and what comes out: plain frozen values, with no behaviour.

Those that a step makes are tuples: a frozen dataclass of as many fields takes five times as long to make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias


@dataclass(frozen=True, slots=True)
class Limits:
    """The deterministic budget of a machine. Whoever changes one changes results: it belongs to the semantics.

    The size of a context is measured in steps that assign something other than numbers, truth values and short texts
    (see `foliot.engine.measures`), that of what timers and deferred events hold in steps that arm or defer some. One
    event as large as they come may always wait.
    """

    microsteps_max: int = 1_000
    internal_queue_max: int = 1_000
    effects_max: int = 1_000
    timers_max: int = 1_000
    deferred_max: int = 100
    turns_max: int = 100_000
    context_bytes_max: int = 1_048_576
    kept_bytes_max: int = 2_097_152
    data_bytes_max: int = 1_048_576
    depth_max: int = 64


NO_INVOCATIONS: Final[Mapping[str, str]] = MappingProxyType({})
SESSION: Final = "#_scxml_"
"""What the target of a send begins with where it names a session (SCXML C.1)."""


def session_address(session_id: str) -> str:
    """Give the target under which a session can be sent to."""
    return SESSION + session_id


def _everybody(_target: str) -> bool:
    return True


class Host(NamedTuple):
    """Where an instance runs: its session's id, who can be sent to from there, and services of which type can be had.

    The last two as far as that is known.
    """

    id: str = ""
    reaches: Callable[[str], bool] = _everybody
    performs: Callable[[str], bool] = _everybody


class Timer(NamedTuple):
    """An armed timer: the position of the step that armed it, the event that it will bring, and when (µs, UTC)."""

    armed: int
    event: str
    data: Any
    due: int


class About(NamedTuple):
    """What SCXML tells of an event beside its name and data (5.10.1); '' where it tells nothing."""

    kind: Literal["external", "internal", "platform"] = "external"
    send_id: str = ""
    origin: str = ""
    invoke_id: str = ""


OUTSIDE: Final = About()
"""Of an event that nobody sent by SCXML's means."""


class Event(NamedTuple):
    """An event from outside. `timer` is (id, armed) where a timer fired, `time` is RFC 3339."""

    id: str
    source: str
    type: str
    data: Any
    time: str | None = None
    timer: tuple[str, int] | None = None
    about: About = OUTSIDE


class State(NamedTuple):
    """All that a step needs of an instance.

    `configuration` holds the ids of the active states that have no active children, in document order; `history` what
    each history state remembers; `timers` what is armed, by id; `invocations` which services run, by id the key of
    their invocation in the definition; `deferred` the events that wait until no active state defers them, in their
    order. The values inside `context`, `history` and `timers` are shared between states and must never be changed in
    place.
    """

    configuration: tuple[str, ...]
    context: Mapping[str, Any]
    history: Mapping[str, tuple[str, ...]]
    timers: Mapping[str, Timer]
    position: int
    done: bool
    invocations: Mapping[str, str] = NO_INVOCATIONS
    deferred: tuple[Event, ...] = ()


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


class Deliver(NamedTuple):
    """Send an event to another session, after a delay (microseconds). `target` is as SCXML has it (6.2.4)."""

    target: str
    event: str
    data: Any
    send_id: str
    delay: int


class WithdrawDelivery(NamedTuple):
    """Forget deliveries with this id that are not made yet."""

    send_id: str


class Policy(NamedTuple):
    """How whoever performs a service deals with its failures; times in microseconds (see `retry_delay`).

    `attempts` are all of them. `timeout` counts from the first on and ends whatever runs then; None: there is no end.
    """

    attempts: int = 1
    delay: int = 0
    factor: float = 1
    delay_max: int = 0
    timeout: int | None = None


ONCE: Final = Policy()
"""No second attempt, and all the time in the world."""


class Invoke(NamedTuple):
    """Start a service: `kind` and `source`, or what it is itself (`content`), with `data` for it.

    It answers with an event `done.invoke.ID`. When its last attempt has failed, or its time is up, whoever performs it
    sends `error.communication.invoke.ID` with `attempts`, `reason` and `message`.
    """

    id: str
    kind: str
    source: str
    content: Any
    data: Any
    policy: Policy = ONCE


def retry_delay(policy: Policy, failures: int) -> int:
    """Tell how long to wait after so many failures, in microseconds: each time longer, up to the longest."""
    delay = min(policy.delay, policy.delay_max)
    for _ in range(failures - 1):
        delay = min(int(delay * policy.factor), policy.delay_max)
    return delay


class EndInvocation(NamedTuple):
    """Stop a service, whose state was left."""

    id: str


class Forward(NamedTuple):
    """Give the event of this step to a service, too."""

    id: str


class Finish(NamedTuple):
    """The machine is done; `data` is what its final state gives."""

    data: Any


Effect: TypeAlias = (
    ArmTimer | CancelTimer | Send | Log | Deliver | WithdrawDelivery | Invoke | EndInvocation | Forward | Finish
)
BETWEEN_SESSIONS: Final = (Deliver, WithdrawDelivery, Invoke, EndInvocation, Forward)
"""Effects that need sessions beside this one."""
Outcome: TypeAlias = Literal["taken", "ignored", "deferred", "dropped"]


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
