"""Services played in memory: what each answers, when, and what becomes of its failures under an invocation's policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from foliot.definition import done_invocation, failed_invocation
from foliot.engine import About, Event, Invoke, retry_delay

SCXML_TYPES: Final = frozenset({"scxml", "http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml"})


class Answer(NamedTuple):
    """A service that ends well, with `data`, so many microseconds after it was begun."""

    data: Any = None
    after: int = 0


class Failure(NamedTuple):
    """An attempt that fails, so many microseconds after it was begun; `reason` is `failed` or `unreachable`."""

    message: str = ""
    after: int = 0
    reason: str = "failed"


class Silence(NamedTuple):
    """An attempt of which nothing is heard."""


Reply: TypeAlias = Answer | Failure | Silence
Service: TypeAlias = Callable[[Invoke, int], Reply]
"""Says what comes of an attempt, which counts from 1."""


def scripted(*replies: Reply) -> Service:
    """Make a service that gives these replies one after the other, to whoever calls; the last one stays."""
    waiting = list(replies)
    return lambda _invoke, _attempt: waiting.pop(0) if len(waiting) > 1 else waiting[0] if waiting else Silence()


@dataclass(slots=True, eq=False)
class Call:
    """An invocation while it runs; `attempt` counts from 1."""

    invoke: Invoke
    attempt: int = 0


class Turn(NamedTuple):
    """What becomes of a call at a later time. `attempt` is the one that it is about, 0 where it is about all."""

    call: Call
    attempt: int
    reply: Reply | None


class Caller(Protocol):
    """What a call needs of the session that it is of."""

    def later(self, delay: int, turn: Turn) -> None:
        """Have `Calls.turn` called after so many microseconds."""

    def tell(self, event: Event) -> None:
        """Put an event into the session's queue."""

    def begin(self, invoke: Invoke) -> Reply:
        """Begin a machine, of which nothing is heard but by events, or say why it cannot be."""

    def halt(self, invoke_id: str) -> None:
        """End what was begun."""


@dataclass(slots=True, eq=False)
class Calls:
    """The calls of one session, by id; `services` are those that are played, by the name that `src` gives."""

    caller: Caller
    services: Mapping[str, Service]
    running: dict[str, Call] = field(default_factory=dict)

    def begin(self, invoke: Invoke) -> None:
        """Begin a call; one with the same id is forgotten."""
        call = self.running[invoke.id] = Call(invoke)
        if invoke.policy.timeout is not None:
            self.caller.later(invoke.policy.timeout, Turn(call, 0, None))
        self._try(call)

    def end(self, invoke_id: str) -> None:
        """Forget a call."""
        self.running.pop(invoke_id, None)

    def turn(self, turn: Turn) -> None:
        """Go on with a call, if it still runs."""
        call = turn.call
        if self.running.get(call.invoke.id) is not call:
            return
        match turn.reply:
            case None if turn.attempt == 0:
                self.caller.halt(call.invoke.id)
                seconds = (call.invoke.policy.timeout or 0) / 1_000_000
                self._fail(call, "timeout", f"no answer within {seconds:g} s")
            case None:
                self._try(call)
            case reply:
                self._take(call, reply)

    def _try(self, call: Call) -> None:
        call.attempt += 1
        played = self.services.get(call.invoke.source)
        reply = self.caller.begin(call.invoke) if played is None else played(call.invoke, call.attempt)
        if isinstance(reply, Silence):
            return
        if reply.after:
            self.caller.later(reply.after, Turn(call, call.attempt, reply))
        else:
            self._take(call, reply)

    def _take(self, call: Call, reply: Reply) -> None:
        invoke = call.invoke
        match reply:
            case Answer():
                self.end(invoke.id)
                about = About(invoke_id=invoke.id)
                self.caller.tell(Event("", "", done_invocation(invoke.id), reply.data, about=about))
            case Failure() if call.attempt < invoke.policy.attempts:
                self.caller.later(retry_delay(invoke.policy, call.attempt), Turn(call, call.attempt, None))
            case Failure():
                self._fail(call, reply.reason, reply.message)
            case Silence():
                pass

    def _fail(self, call: Call, reason: str, message: str) -> None:
        invoke_id = call.invoke.id
        self.end(invoke_id)
        data = {"attempts": call.attempt, "reason": reason, "message": message}
        about = About("platform", invoke_id=invoke_id)
        self.caller.tell(Event("", "", failed_invocation(invoke_id), data, about=about))
