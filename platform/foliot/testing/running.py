"""Scenarios run in memory: each thing that happens, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from foliot.definition import StateNode
from foliot.engine import (
    ArmTimer,
    CancelTimer,
    Compiled,
    Deliver,
    Effect,
    EndInvocation,
    EngineError,
    Event,
    Finish,
    Forward,
    Invoke,
    Log,
    Send,
    State,
    Step,
    Timer,
    WithdrawDelivery,
)
from foliot.testing.scenarios import Given, Occurrence, OutcomeWord, Replied, duration_us
from foliot.testing.services import Answer, Failure, Reply, Silence, scripted
from foliot.testing.sessions import NOT_BEGUN, Session, Sessions

_MICROSECOND: Final = dt.timedelta(microseconds=1)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Parents: TypeAlias = Mapping[str, str | None]
"""Each state's parent: see `parent_of`."""
_INNER: Final = (ArmTimer, CancelTimer, WithdrawDelivery, EndInvocation, Forward)
"""Effects that are seen by what they bring about."""


_NO_SERVICES: Final[Mapping[str, Sequence[Replied]]] = MappingProxyType({})


class StateNotLegal(Exception):
    """Nothing can be in what a scenario gives as its state."""


class Seen(NamedTuple):
    """What came of one thing that happened.

    `outcome` is None where only time passed; `why` says why an event was refused or failed. `steps` are all steps of
    the instance, those of timers that were due among them; `effects` what they did to the world outside.
    """

    event: Event | None
    outcome: OutcomeWord | None
    why: str
    before: State
    state: State
    now: int
    effects: tuple[Effect, ...]
    steps: tuple[tuple[Event, Step], ...]

    @property
    def transitions(self) -> tuple[int, ...]:
        """The transitions that were taken, in order."""
        return tuple(index for _, step in self.steps for index in step.transitions)


class Play:
    """One instance, to which things happen. It is born by its first event, or `advance` before one.

    `services` are what comes of the attempts of services, by the name in `src`; others never answer.
    """

    def __init__(self, machine: Compiled, services: Mapping[str, Sequence[Replied]] = _NO_SERVICES) -> None:
        self.machine = machine
        played = {name: scripted(*map(_reply, replies)) for name, replies in services.items()}
        self._sessions = Sessions(watch=self._watch, services=played)
        self._session: Session | None = None
        self._steps: list[tuple[Event, Step]] = []
        self._count = 0

    @property
    def state(self) -> State:
        """The instance's state."""
        return NOT_BEGUN if self._session is None else self._session.state

    def begin(self, given: Given) -> list[Seen]:
        """Bring about what is given.

        Raises:
            StateNotLegal: nothing can be in the states that are given.
        """
        if given.state:
            self._session = self._sessions.place(self.machine, placed(self.machine, given.state, given.context))
        return [self.perform(occurrence) for occurrence in given.events]

    def perform(self, occurrence: Occurrence) -> Seen:
        """Let something happen and tell what came of it."""
        self._steps = []
        before = self.state
        event = outcome = None
        why = ""
        try:
            self._pass_time(occurrence)
            if occurrence.event is not None:
                event = self._event(occurrence.event, occurrence.data)
                why = self.machine.validate_event(event.type, event.data) or ""
                outcome = "refused" if why else self._send(event)
        except (EngineError, RuntimeError) as error:
            outcome, why = "failed", str(error)
        effects = tuple(each for _, step in self._steps for each in step.effects if not isinstance(each, _INNER))
        return Seen(event, outcome, why, before, self.state, self._sessions.now, effects, tuple(self._steps))

    def _pass_time(self, occurrence: Occurrence) -> None:
        duration = 0
        if occurrence.advance is not None:
            duration = duration_us(occurrence.advance)
        if occurrence.at is not None:
            duration = max(0, duration_us(occurrence.at) - self._sessions.now)
        if self._session is None and occurrence.event is None:
            self._session = self._sessions.open(self.machine)
        self._sessions.wait(duration)

    def _event(self, event_type: str, data: Any) -> Event:
        self._count += 1
        return make_event(self._count, event_type, data, self._sessions.now)

    def _send(self, event: Event) -> OutcomeWord:
        born = 0
        if self._session is None:
            self._session = self._sessions.open(self.machine, event=event)
            self._sessions.run()
            born = len(self._steps)
        self._session.queue.append(event)
        self._sessions.run()
        # The step of the birth has the same event.
        for each, step in self._steps[born:]:
            if each is event and step.outcome in {"taken", "deferred"}:
                return "taken" if step.outcome == "taken" else "deferred"
        return "ignored"

    def _watch(self, session: Session, event: Event, step: Step) -> None:
        if self._session is None:
            self._session = session
        if session is self._session:
            self._steps.append((event, step))


def make_event(number: int, event_type: str, data: Any, now: int) -> Event:
    """Make the event of a number; the same number, type, data and time give the same event."""
    time = (_EPOCH + now * _MICROSECOND).isoformat().replace("+00:00", "Z")
    return Event(f"e{number}", "test", event_type, data, time)


def placed(machine: Compiled, leaves: Iterable[str], context: Mapping[str, Any]) -> State:
    """Make the state of an instance that has just entered these states: their timeouts run from now.

    Raises:
        StateNotLegal: they cannot be active together.
    """
    definition = machine.definition
    order = [node.id for node in definition.root.walk()]
    configuration = tuple(sorted(leaves, key=order.index))
    active = active_states(parent_of(definition.root), configuration)
    timers = {
        each.id: Timer(1, each.id, None, each.delay_ms * 1_000)
        for node in definition.root.walk()
        if node.id in active
        for each in node.after
    }
    full = {**definition.context.initial, **context}
    try:
        machine.memory.vertex(configuration)
    except EngineError as error:
        raise StateNotLegal(f"{', '.join(configuration)}: {error.refusal.what}") from error
    return State(configuration, full, {}, timers, 1, done=False)


def active_states(parents: Parents, configuration: Iterable[str]) -> frozenset[str]:
    """Name all active states, from the leaves up."""
    active: set[str] = set()
    for leaf in configuration:
        state: str | None = leaf
        while state is not None and state not in active:
            active.add(state)
            state = parents[state]
    return frozenset(active)


def parent_of(root: StateNode) -> dict[str, str | None]:
    """Give each state's parent; ids of other languages do not tell it."""
    parents: dict[str, str | None] = {root.id: None}
    for node in root.walk():
        parents |= {child.id: node.id for child in node.children}
    return parents


def _reply(replied: Replied) -> Reply:
    after = 0 if replied.after is None else duration_us(replied.after)
    if replied.error is not None:
        return Failure(replied.error, after)
    return Answer(replied.answer, after) if replied.told("answer") else Silence()


def effect_words(effect: Effect) -> dict[str, Any]:
    """Write an effect as a scenario does."""
    match effect:
        case Send():
            return {"send": {"event": effect.event, "topic": effect.topic, "data": effect.data}}
        case Deliver():
            return {"send": {"event": effect.event, "target": effect.target, "data": effect.data}}
        case Log():
            return {"log": effect.text}
        case Invoke():
            return {"invoke": {"id": effect.id, "source": effect.source, "data": effect.data}}
        case Finish():
            return {"finish": effect.data}
        case _:
            raise AssertionError(f"{effect} is not seen from outside")
