"""Sessions in memory under a clock that is told what time it is: what a machine sends, waits for and invokes happens.

Source: W3C SCXML 1.0, chapters 6.2 to 6.5 and appendix C.1 (the SCXML event I/O processor).
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, assert_never

from foliot.definition import DefinitionRefused, done_invocation
from foliot.engine import (
    SESSION,
    About,
    ArmTimer,
    CancelTimer,
    Compiled,
    Deliver,
    Effect,
    EndInvocation,
    Event,
    Finish,
    Forward,
    Host,
    Invoke,
    Log,
    Send,
    State,
    Step,
    WithdrawDelivery,
    compile,  # noqa: A004 - the engine's own word
    session_address,
    start,
    step,
    stop,
)
from foliot.languages.scxml import read_scxml
from foliot.testing.services import SCXML_TYPES, Calls, Failure, Reply, Service, Silence, Turn

_STEPS_MAX: Final = 100_000
Watch: TypeAlias = Callable[["Session", Event, Step], None]
"""Told each step after it was taken, before its effects happen. The first event of a session is its birth's."""
NOT_BEGUN: Final = State((), {}, {}, {}, 0, done=False)
NO_EVENT: Final = Event("", "", "", None)


@dataclass(slots=True, eq=False)
class Session:
    """One instance that runs. `queue` are the events from outside that wait for it."""

    id: str
    machine: Compiled
    state: State
    parent: Session | None
    invoke_id: str
    queue: deque[Event] = field(default_factory=deque)
    services: dict[str, Session] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    sent: list[Send] = field(default_factory=list)
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class _Caller:
    """What the calls of a session need of it."""

    sessions: Sessions
    session: Session

    def later(self, delay: int, turn: Turn) -> None:
        self.sessions.push(self.sessions.now + delay, self.session, turn)

    def tell(self, event: Event) -> None:
        if event.about.kind == "platform":
            self.session.queue.appendleft(event)  # Before anything else, as all that comes to nobody.
        else:
            self.session.queue.append(event)

    def begin(self, invoke: Invoke) -> Reply:
        return self.sessions.begin(self.session, invoke)

    def halt(self, invoke_id: str) -> None:
        self.sessions.end(self.session, invoke_id)


class Sessions:
    """All sessions of one run. `now` is in microseconds; `resource` gives the text that a `src` names.

    `services` are played, by the names that `src` gives. Without them what is invoked is a machine in SCXML, whose text
    is the `content` or the `src`; with them that is so where `content` or `type` says it, and all others never answer.
    """

    def __init__(
        self,
        *,
        now: int = 0,
        resource: Callable[[str], str] | None = None,
        services: Mapping[str, Service] | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.now = now
        self.all: dict[str, Session] = {}
        self._resource = resource
        self._services = services
        self._calls: dict[str, Calls] = {}
        self._watch = watch
        self._ids = itertools.count(1)
        self._ordinals = itertools.count()
        self._later: list[tuple[int, int, Session, Event | Deliver | Turn]] = []

    def open(
        self,
        machine: Compiled,
        *,
        values: Mapping[str, Any] | None = None,
        parent: Session | None = None,
        invoke_id: str = "",
        event: Event = NO_EVENT,
    ) -> Session:
        """Start an instance; `values` are put into its context before anything else.

        `event` is the one that causes the birth: expressions see it, and it is not sent.
        """
        session = self._new(machine, NOT_BEGUN, parent, invoke_id)
        first = start(machine, event, self.now, host=self._host(session), values=values)
        self._follow(session, first, event)
        return session

    def place(self, machine: Compiled, state: State) -> Session:
        """Begin with an instance that is in `state` already; its timers run."""
        session = self._new(machine, state, None, "")
        for timer_id, timer in state.timers.items():
            self._arm(session, ArmTimer(timer_id, timer.armed, timer.due, timer.event, timer.data))
        return session

    def send(self, session: Session, event_type: str, data: Any = None) -> None:
        """Put an event into a session's queue."""
        session.queue.append(Event("", "", event_type, data))

    def run(self) -> None:
        """Step all sessions until no event waits.

        Raises:
            RuntimeError: there is no end to it.
        """
        self.wait(0)

    def wait(self, duration: int) -> None:
        """Step all sessions until no event waits, and let time pass (microseconds), with all that is due in it.

        Raises:
            RuntimeError: there is no end to it.
        """
        end = self.now + duration
        for _ in range(_STEPS_MAX):
            busy = next((session for session in list(self.all.values()) if session.queue), None)
            if busy is not None:
                self._step(busy, busy.queue.popleft())
            elif self._later and self._later[0][0] <= end:
                self.now, _, session, what = heapq.heappop(self._later)
                self._happen(session, what)
            else:
                self.now = end
                return
        raise RuntimeError(f"more than {_STEPS_MAX} steps: these sessions never rest")

    def _new(self, machine: Compiled, state: State, parent: Session | None, invoke_id: str) -> Session:
        session = Session(f"session_{next(self._ids)}", machine, state, parent, invoke_id)
        self.all[session.id] = session
        if parent is not None:
            parent.services[invoke_id] = session
        return session

    def _host(self, session: Session) -> Host:
        return Host(session.id, lambda target: self._find(session, target) is not None, self._performs)

    def _performs(self, kind: str) -> bool:
        return not kind or kind in SCXML_TYPES or self._services is not None

    def _step(self, session: Session, event: Event) -> None:
        if not session.is_over:
            taken = step(session.machine, session.state, event, self.now, host=self._host(session))
            self._follow(session, taken, event)

    def _follow(self, session: Session, taken: Step, event: Event) -> None:
        session.state = taken.state
        if self._watch is not None:
            self._watch(session, event, taken)
        output = None
        for effect in taken.effects:
            if isinstance(effect, Finish):
                output = effect.data
            else:
                self._perform(session, effect, event)
        if taken.state.done:
            self._over(session)
            if session.parent is not None:
                about = About(invoke_id=session.invoke_id)
                self._calls_of(session.parent).end(session.invoke_id)
                session.parent.queue.append(Event("", "", done_invocation(session.invoke_id), output, about=about))

    def _perform(  # noqa: C901, PLR0912 - one for each kind
        self, session: Session, effect: Effect, event: Event | None
    ) -> None:
        match effect:
            case ArmTimer():
                self._arm(session, effect)
            case CancelTimer():
                pass  # The engine drops the event of a timer that it has disarmed.
            case Deliver():
                if effect.delay:
                    self.push(self.now + effect.delay, session, effect)
                else:
                    self._deliver(session, effect)
            case WithdrawDelivery():
                self._later = [
                    each
                    for each in self._later
                    if not (each[2] is session and isinstance(each[3], Deliver) and each[3].send_id == effect.send_id)
                ]
                heapq.heapify(self._later)
            case Invoke():
                self._calls_of(session).begin(effect)
            case EndInvocation():
                self._calls_of(session).end(effect.id)
                self.end(session, effect.id)
            case Forward():
                if event is not None and effect.id in session.services:
                    session.services[effect.id].queue.append(event._replace(timer=None))
            case Log():
                session.logs.append(effect.text)
            case Send():
                session.sent.append(effect)
            case Finish():
                pass
            case _:
                assert_never(effect)

    def _arm(self, session: Session, timer: ArmTimer) -> None:
        named = "" if timer.id.startswith(("send.", "after.")) else timer.id
        about = About(send_id=named, origin=session_address(session.id))
        event = Event("", "", timer.event, timer.data, timer=(timer.id, timer.armed), about=about)
        if timer.due <= self.now:
            session.queue.append(event)
        else:
            self.push(timer.due, session, event)

    def push(self, due: int, session: Session, what: Event | Deliver | Turn) -> None:
        """Have something happen to a session at a later time."""
        heapq.heappush(self._later, (due, next(self._ordinals), session, what))

    def _happen(self, session: Session, what: Event | Deliver | Turn) -> None:
        if session.is_over:
            return
        match what:
            case Deliver():
                self._deliver(session, what)
            case Turn():
                self._calls_of(session).turn(what)
            case Event():
                session.queue.append(what)

    def _deliver(self, session: Session, message: Deliver) -> None:
        if session.is_over and message.target == "#_parent":
            return  # Whom it served has left it.
        receiver = self._find(session, message.target)
        if receiver is None or receiver.is_over:
            about = About("platform", message.send_id)
            _tell_in_vain(session, about, f"nobody is there for {message.target}", message.event)
            return
        invoke_id = session.invoke_id if receiver is session.parent else ""
        about = About(send_id=message.send_id, origin=session_address(session.id), invoke_id=invoke_id)
        receiver.queue.append(Event("", "", message.event, message.data, about=about))

    def _find(self, session: Session, target: str) -> Session | None:
        if target == "#_parent":
            return session.parent
        if target.startswith(SESSION):
            return self.all.get(target.removeprefix(SESSION))
        return session.services.get(target.removeprefix("#_"))

    def _calls_of(self, session: Session) -> Calls:
        return self._calls.setdefault(session.id, Calls(_Caller(self, session), self._services or {}))

    def begin(self, session: Session, invoke: Invoke) -> Reply:
        """Begin a machine as a service of a session, or say why it cannot be."""
        is_machine = invoke.content is not None or invoke.kind in SCXML_TYPES
        if self._services is not None and not is_machine:
            return Silence()
        try:
            text = invoke.content if isinstance(invoke.content, str) else self._fetch(invoke.source)
            reading = read_scxml(text, filename=invoke.source or invoke.id, resource=self._resource)
        except (LookupError, DefinitionRefused) as error:
            return Failure(str(error), reason="unreachable")
        given = invoke.data if isinstance(invoke.data, dict) else {}
        values = {name: value for name, value in given.items() if name in reading.parameters}
        self.open(compile(reading.definition), values=values, parent=session, invoke_id=invoke.id)
        return Silence()

    def _fetch(self, source: str) -> str:
        if self._resource is None:
            raise LookupError(f"{source} cannot be fetched: no resources are given.")
        return self._resource(source)

    def end(self, session: Session, invoke_id: str) -> None:
        """End a machine that is a service of a session, if it still runs."""
        service = session.services.get(invoke_id)
        if service is None or service.is_over:
            return
        self._over(service)
        for effect in stop(service.machine, service.state, self.now, host=self._host(service)).effects:
            self._perform(service, effect, None)

    def _over(self, session: Session) -> None:
        session.is_over = True
        self.all.pop(session.id, None)
        if session.parent is not None:
            session.parent.services.pop(session.invoke_id, None)


def _tell_in_vain(session: Session, about: About, what: str, where: str) -> None:
    """Say before anything else that a session's message or invocation came to nobody."""
    event = Event("", "", "error.communication", {"what": what, "where": where}, about=about)
    session.queue.appendleft(event)
