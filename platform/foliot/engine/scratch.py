"""What one macrostep has done so far: the only thing in the engine that changes, alive for one call."""

from __future__ import annotations

from collections import deque
from typing import Any

from foliot.cel import to_json
from foliot.engine.errors import ContextTooLarge, DataTooDeep, InternalQueueFull, TooManyEffects, TooManyTimers
from foliot.engine.measures import check_data, depth_exceeds, encoded_bytes, is_bulky, is_plain
from foliot.engine.values import ArmTimer, CancelTimer, Effect, Event, Limits, Log, Send, State, Timer

ERROR_EVENT = "error.execution"


class Macrostep:
    """The working copy of one macrostep. Mappings are replaced, never changed, so what came in stays as it was.

    `event` is the event as CEL sees it. `queue` holds (type, data) of the raised events that wait.
    """

    __slots__ = (
        "_before",
        "_bulky",
        "_generated",
        "_limits",
        "_now",
        "_reported",
        "_sends",
        "_time",
        "context",
        "done",
        "event",
        "history",
        "microsteps",
        "outgoing",
        "position",
        "queue",
        "timers",
        "transitions",
    )

    def __init__(self, state: State, event: Event, now: int, limits: Limits) -> None:
        _, self.context, self.history, timers, position, _ = state
        event_id, source, event_type, data, time, fired = event
        if fired is not None:
            timers = {timer_id: timer for timer_id, timer in timers.items() if timer_id != fired[0]}
        self.position = position + 1
        self.timers = timers
        self.done = False
        # Most steps raise nothing and send nothing: what they would be kept in is made when they do.
        self.queue: deque[tuple[str, Any]] | None = None
        self.outgoing: tuple[Effect, ...] = ()
        self.transitions: tuple[int, ...] = ()
        self.microsteps = 0
        self.event: dict[str, Any] = {
            "id": event_id,
            "type": event_type,
            "source": source,
            "time": time,
            "data": data,
        }
        self._before = timers
        self._bulky = False
        self._generated = 0
        self._limits = limits
        self._now = now
        self._reported: frozenset[int] = frozenset()
        self._sends = 0
        self._time = time

    def receive(self) -> str:
        """Make the first raised event the current one and give its type.

        It has no id and no source, since nobody outside sent it; its time is that of the event that caused the step.
        """
        assert self.queue  # noqa: S101 - the caller has looked
        event_type, data = self.queue.popleft()
        self.event = {"id": "", "type": event_type, "source": "", "time": self._time, "data": data}
        return event_type

    def raise_event(self, event_type: str, data: Any) -> None:
        """Put an event at the end of the internal queue."""
        if self.queue is None:
            self.queue = deque()
        if len(self.queue) >= self._limits.internal_queue_max:
            raise InternalQueueFull(
                f"more than {self._limits.internal_queue_max} raised events wait",
                where=event_type,
            )
        self.queue.append((event_type, data))

    def fail(self, what: str, where: str) -> None:
        """Raise `error.execution`, which says what failed and where in the definition."""
        self.raise_event(ERROR_EVENT, {"what": what, "where": where})

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
        """
        if self._bulky and encoded_bytes(self.context) > self._limits.context_bytes_max:
            raise ContextTooLarge(f"the context is larger than {self._limits.context_bytes_max} bytes")
        # Not by its constructor, which takes three times as long; so with all that each step makes.
        return tuple.__new__(State, (configuration, self.context, self.history, self.timers, self.position, self.done))

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

    def _emit(self, effect: Effect) -> None:
        if len(self.outgoing) >= self._limits.effects_max:
            raise TooManyEffects(f"more than {self._limits.effects_max} sends and logs in one step")
        self.outgoing = (*self.outgoing, effect)
