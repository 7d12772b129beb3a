"""What one macrostep has done so far: the only thing in the engine that changes, alive for one call."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from foliot.cel import EvaluationError, to_json
from foliot.engine.errors import (
    ContextTooLarge,
    DataTooDeep,
    InternalQueueFull,
    TooManyDeferred,
    TooManyEffects,
    TooManyTimers,
    TooManyTurns,
    TooMuchKept,
)
from foliot.engine.measures import SMALL_TEXT_MAX, check_data, depth_exceeds, encoded_bytes, is_bulky, is_plain
from foliot.engine.values import (
    About,
    ArmTimer,
    CancelTimer,
    Deliver,
    Effect,
    EndInvocation,
    Event,
    Finish,
    Forward,
    Host,
    Invoke,
    Limits,
    Log,
    Send,
    State,
    Timer,
    WithdrawDelivery,
    session_address,
)

ERROR_EVENT: Final = "error.execution"
SCXML_PROCESSOR: Final = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
_INTERNAL: Final = About("internal")
_PLATFORM: Final = About("platform")
Raised: TypeAlias = tuple[str, Any, About]


class SendFailed(EvaluationError):
    """A send could not be made; `send_id` is its id, if it has one."""

    code = "send_failed"
    remedy = "Give the send an event, a target and a type that are there, and data that has a value."

    def __init__(self, cause: EvaluationError, send_id: str | None) -> None:
        super().__init__(cause.reason, cause.what, line=cause.line, column=cause.column, remedy=cause.hint)
        self.send_id = send_id


class Mark(NamedTuple):
    """What a macrostep had done when it took up a deferred event, to go back to."""

    event: dict[str, Any]
    context: Mapping[str, Any]
    history: Mapping[str, tuple[str, ...]]
    timers: Mapping[str, Timer]
    invocations: Mapping[str, str]
    deferred: tuple[Event, ...]
    outgoing: tuple[Effect, ...]
    transitions: tuple[int, ...]
    reported: frozenset[int]
    generated: int
    sends: int


class Macrostep:
    """The working copy of one macrostep. Mappings are replaced, never changed, so what came in stays as it was.

    `event` is the event as CEL sees it. `undoes` says that there is a state to go back to, where an action fails that
    asks for it, and `stopped_by` is the error of the last action that ended its block. `queue` holds the raised events
    that wait. `entered` are the states with invocations that were entered and not left again.
    """

    __slots__ = (
        "_asks",
        "_before",
        "_bulky",
        "_generated",
        "_host",
        "_keeps",
        "_limits",
        "_now",
        "_reported",
        "_sends",
        "_time",
        "_turns",
        "context",
        "deferred",
        "done",
        "entered",
        "event",
        "history",
        "invocations",
        "microsteps",
        "outgoing",
        "output",
        "position",
        "queue",
        "stopped_by",
        "stops",
        "timers",
        "transitions",
        "undoes",
    )

    def __init__(self, state: State, event: Event, now: int, limits: Limits, host: Host, *, asks: bool) -> None:
        _, self.context, self.history, timers, position, _, self.invocations, self.deferred = state
        event_id, source, event_type, data, time, fired, about = event
        if fired is not None:
            timers = {timer_id: timer for timer_id, timer in timers.items() if timer_id != fired[0]}
        self.position = position + 1
        self.timers = timers
        self.done = False
        self.undoes = False
        # Most steps raise nothing and send nothing: what they would be kept in is made when they do.
        self.queue: deque[Raised] | None = None
        self.entered: frozenset[int] = frozenset()
        self.output: Any = None
        self.outgoing: tuple[Effect, ...] = ()
        self.transitions: tuple[int, ...] = ()
        self.microsteps = 0
        self._before = timers
        self._bulky = False
        self._generated = 0
        self._keeps = False
        self._limits = limits
        self._now = now
        self._reported: frozenset[int] = frozenset()
        self._sends = 0
        self._turns = 0
        self.stopped_by: Raised | None = None
        self.stops = 0
        self._host = host
        self._time = time
        self._asks = asks
        self.event = self._show(event_id, event_type, source, data, about)

    @property
    def session_id(self) -> str:
        """The id of the session that runs."""
        return self._host.id

    def performs(self, kind: str) -> bool:
        """Say whether services of this type can be had where the session runs."""
        return self._host.performs(kind)

    def receive(self) -> str:
        """Make the first raised event the current one and give its type.

        It has no id and no source, since nobody outside sent it; its time is that of the event that caused the step.
        """
        assert self.queue  # noqa: S101 - the caller has looked
        event_type, data, about = self.queue.popleft()
        self.event = self._show("", event_type, "", data, about)
        return event_type

    def stop(self, what: str, where: str, cause: EvaluationError) -> None:
        """Raise `error.execution` for an action that ends its block."""
        self.fail(what, where, cause)
        assert self.queue  # noqa: S101 - it has just been raised
        self.stopped_by = self.queue[-1]
        self.stops += 1

    def turn(self, where: str) -> None:
        """Count a turn of a loop over a list."""
        self._turns += 1
        if self._turns > self._limits.turns_max:
            raise TooManyTurns(f"more than {self._limits.turns_max} turns of loops in one step", where=where)

    def defer(self, event: Event) -> None:
        """Keep an event until no active state defers it."""
        if len(self.deferred) >= self._limits.deferred_max:
            raise TooManyDeferred(f"more than {self._limits.deferred_max} events are deferred", where=event.type)
        self._keeps = True
        # Who sent it does not matter later, and is no part of the encoded state.
        self.deferred = (*self.deferred, event if event.timer is None else event._replace(timer=None))

    def recall(self, place: int) -> Event:
        """Make a deferred event the current one."""
        event = self.deferred[place]
        self.deferred = (*self.deferred[:place], *self.deferred[place + 1 :])
        event_id, source, event_type, data, self._time, _, about = event
        self.event = self._show(event_id, event_type, source, data, about)
        return event

    def mark(self) -> Mark:
        """Note what has been done, where nothing is raised or entered that waits."""
        return Mark(
            self.event,
            self.context,
            self.history,
            self.timers,
            self.invocations,
            self.deferred,
            self.outgoing,
            self.transitions,
            self._reported,
            self._generated,
            self._sends,
        )

    def go_back(self, mark: Mark) -> None:
        """Forget what was done since; what it took of the limits stays taken."""
        self.event, self.context, self.history, self.timers, self.invocations = mark[:5]
        self.deferred, self.outgoing, self.transitions = mark[5:8]
        self._reported, self._generated, self._sends = mark[8:]
        self.queue = None
        self.entered = frozenset()
        self.output = None
        self.done = False

    def raise_event(self, event_type: str, data: Any, about: About = _INTERNAL) -> None:
        """Put an event at the end of the internal queue."""
        if self.queue is None:
            self.queue = deque()
        if len(self.queue) >= self._limits.internal_queue_max:
            raise InternalQueueFull(
                f"more than {self._limits.internal_queue_max} raised events wait",
                where=event_type,
            )
        self.queue.append((event_type, data, about))

    def fail(self, what: str, where: str, cause: EvaluationError | None = None) -> None:
        """Raise `error.execution`, which says what failed and where in the definition."""
        send_id = cause.send_id or "" if isinstance(cause, SendFailed) else ""
        about = About("platform", send_id) if send_id else _PLATFORM
        self.raise_event(ERROR_EVENT, {"what": what, "where": where}, about)

    def complete(self, event_type: str, data: Any) -> None:
        """Raise the event that says that a state is done."""
        self.raise_event(event_type, data, _PLATFORM)

    def new_id(self, kind: str) -> str:
        """Make an id that no other of this instance has."""
        self._generated += 1
        return f"{kind}_{self.position}.{self._generated - 1}"

    def fail_guard(self, index: int, what: str, where: str) -> None:
        """Report a guard's error once.

        A guard without an event is asked again after each internal event. Reported each time, its error would be the
        event that makes it be asked again, without end.
        """
        if index not in self._reported:
            self._reported |= {index}
            self.fail(what, where)

    def assign(self, values: dict[str, Any], where: str) -> None:
        """Set top-level names of the context to what their expressions gave.

        Raises:
            EvaluationError: a value has no JSON.
        """
        for name, found in values.items():
            if is_plain(found):
                continue
            value = values[name] = to_json(found)
            if is_bulky(value):
                self._bulky = True
                if depth_exceeds(value, self._limits.depth_max - 1):
                    raise DataTooDeep(
                        f"the context is nested in more than {self._limits.depth_max} levels", where=where
                    )
        self.context = {**self.context, **values}

    def arm(self, timer_id: str | None, delay_us: int, event_type: str, data: Any) -> None:
        """Arm a timer; one with the same id is replaced. Without an id, one is made from position and ordinal."""
        if timer_id is None:
            timer_id = f"send.{self.position}.{self._generated}"
            self._generated += 1
        if data is not None or len(event_type) > SMALL_TEXT_MAX:
            self._keeps = True
        timer = Timer(armed=self.position, event=event_type, data=data, due=self._now + delay_us)
        # The newest stands last, also where it replaces one, so that what this step armed is in the order of arming.
        self.disarm(timer_id)
        self.timers = {**self.timers, timer_id: timer}
        if len(self.timers) > self._limits.timers_max:
            raise TooManyTimers(f"more than {self._limits.timers_max} timers are armed", where=event_type)

    def disarm(self, timer_id: str) -> None:
        """Forget a timer, if it is armed."""
        if timer_id in self.timers:
            self.timers = {other: timer for other, timer in self.timers.items() if other != timer_id}

    def send(self, topic: str, event_type: str, data: Any) -> None:
        """Send an event to a topic."""
        self._emit(Send(self._sends, topic, event_type, data))
        self._sends += 1

    def deliver(self, target: str, event_type: str, data: Any, send_id: str | None, delay_us: int) -> None:
        """Send an event to another session; where it is known that nobody is there, raise `error.communication`."""
        if not delay_us and not self._host.reaches(target):
            data = {"what": f"nobody is there for {target}", "where": event_type}
            self.raise_event("error.communication", data, About("platform", send_id or ""))
            return
        self._emit(Deliver(target, event_type, data, send_id or "", delay_us))

    def withdraw(self, send_id: str) -> None:
        """Forget what was sent with this id and has not left yet."""
        if send_id in self.timers:
            self.disarm(send_id)
        else:
            self._emit(WithdrawDelivery(send_id))

    def invoke(self, effect: Invoke, key: str) -> None:
        """Start a service; `key` is its invocation in the definition."""
        self.invocations = {**self.invocations, effect.id: key}
        self._emit(effect)

    def end_invocations(self, keys: tuple[str, ...]) -> None:
        """Stop the services of these invocations, in this order: that of the ids may be lost where a state is kept."""
        ids = {key: invoke_id for invoke_id, key in self.invocations.items()}
        for key in keys:
            if key in ids:
                self._emit(EndInvocation(ids[key]))
        self.invocations = {each: key for each, key in self.invocations.items() if key not in keys}

    def forward(self, invoke_id: str) -> None:
        """Give the event of this step to a service."""
        self._emit(Forward(invoke_id))

    def tell_output(self) -> None:
        """Say what the machine ends with, if it says anything."""
        if self.output is not None:
            self._emit(Finish(self.output))

    def log(self, text: str) -> None:
        """Write a line to the log."""
        self._emit(Log(text))

    def check(self, data: Any, where: str) -> None:
        """Refuse data that is too large or too deep to be sent, raised or logged."""
        if any(is_bulky(value) for value in data.values()) if type(data) is dict else is_bulky(data):
            check_data(data, bytes_max=self._limits.data_bytes_max, depth_max=self._limits.depth_max, where=where)

    def finish(self, configuration: tuple[str, ...]) -> State:
        """Give the state that comes out.

        Raises:
            ContextTooLarge: the context has grown past its limit.
            TooMuchKept: so has what timers and deferred events hold.
        """
        if self._bulky and encoded_bytes(self.context) > self._limits.context_bytes_max:
            raise ContextTooLarge(f"the context is larger than {self._limits.context_bytes_max} bytes")
        if self._keeps:
            self._check_kept()
        # Not by its constructor, which takes three times as long; so with all that each step makes.
        return tuple.__new__(
            State,
            (
                configuration,
                self.context,
                self.history,
                self.timers,
                self.position,
                self.done,
                self.invocations,
                self.deferred,
            ),
        )

    def _check_kept(self) -> None:
        # One by one: all together would be as long as it must not be, for what many hold may be the same text.
        left = self._limits.kept_bytes_max
        for timer_id, timer in self.timers.items():
            left -= len(timer_id) + len(timer.event) + encoded_bytes(timer.data)
            if left < 0:
                break
        for event in self.deferred:
            if left < 0:
                break
            left -= encoded_bytes(event[:5])
        if left < 0:
            raise TooMuchKept(
                f"armed timers and deferred events hold more than {self._limits.kept_bytes_max} bytes together"
            )

    def effects(self) -> tuple[Effect, ...]:
        """Give what is left to do: the net change of the timers, then what was sent and logged."""
        if self.timers is self._before:
            return self.outgoing
        before, after = self._before, self.timers
        cancelled = [
            CancelTimer(each, before[each].armed)
            for each in sorted(before)
            if each not in after or after[each].armed == self.position
        ]
        armed = [
            ArmTimer(each, timer.armed, timer.due, timer.event, timer.data)
            for each, timer in after.items()
            if timer.armed == self.position
        ]
        return (*cancelled, *armed, *self.outgoing)

    def _show(self, event_id: str, event_type: str, source: str, data: Any, about: About) -> dict[str, Any]:
        """Give an event as expressions see it."""
        shown = {"id": event_id, "type": event_type, "source": source, "time": self._time, "data": data}
        return shown | _system(self._host.id, event_type, data, about) if self._asks else shown

    def _emit(self, effect: Effect) -> None:
        if len(self.outgoing) >= self._limits.effects_max:
            raise TooManyEffects(f"more than {self._limits.effects_max} sends and logs in one step")
        self.outgoing = (*self.outgoing, effect)


def _system(session_id: str, event_type: str, data: Any, about: About) -> dict[str, Any]:
    """Give SCXML's system variables (5.10), which only machines that ask for them are shown."""
    kind, send_id, origin, invoke_id = about
    location = {"location": session_address(session_id)}
    return {
        "session": session_id,
        "processors": {"scxml": location, SCXML_PROCESSOR: location},
        "scxml": {
            "name": event_type,
            "type": kind,
            "sendid": send_id or None,
            "origin": origin or None,
            "origintype": SCXML_PROCESSOR if origin else None,
            "invokeid": invoke_id or None,
            "data": data,
        }
        if event_type
        else {},
    }
