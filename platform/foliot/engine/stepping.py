"""The two moves of an instance: its birth, and one macrostep.

Source: W3C SCXML 1.0, appendix D, "Algorithm for SCXML Interpretation" (`mainEventLoop`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from foliot.engine.actions import RolledBack
from foliot.engine.compiled import Compiled
from foliot.engine.errors import MicrostepLimitReached
from foliot.engine.memory import Edges, Microstep, Vertex, choose, deferring
from foliot.engine.scratch import Macrostep, Raised
from foliot.engine.shortcuts import take_birth_shortcut, take_shortcut
from foliot.engine.values import Event, Host, Outcome, State, Step

HERE: Final = Host()


def start(
    machine: Compiled, event: Event, now: int, *, host: Host = HERE, values: Mapping[str, Any] | None = None
) -> Step:
    """Enter the initial states of `machine` and run until it is stable.

    `event` is the one that causes the birth: expressions see it, but it selects nothing. The caller steps the new
    instance with it afterwards. `now` is in microseconds since 1970, UTC. `host` says where it runs; `values` are put
    into the initial context.

    Raises:
        EngineError: one of the limits was reached, or the initial states are no legal configuration.
    """
    if values is None and (found := take_birth_shortcut(machine, event)) is not None:
        return found
    initial = machine.definition.context.initial
    unborn = State((), initial if values is None else {**initial, **values}, {}, {}, 0, done=False)
    macrostep = Macrostep(unborn, event, now, machine.limits, host, asks=machine.asks)
    vertex = _take(machine, machine.memory.birth, macrostep)
    vertex = _settle(machine, vertex, macrostep, ())
    state = macrostep.finish(vertex.configuration)
    return Step(state, "taken", macrostep.effects(), macrostep.transitions)


def step(machine: Compiled, state: State, event: Event, now: int, *, host: Host = HERE) -> Step:
    """Run one macrostep of `machine` from `state` with `event`. `now` and `host` are as in `start`.

    An event that no transition takes is not an error: the same state returns, one position further, and
    `Step.outcome` is "ignored"; one that an active state defers is kept, and it is "deferred". The event of a timer
    that is not armed is "dropped": the very same state returns.

    Raises:
        UnknownConfiguration: another version of the machine wrote this state.
        MicrostepLimitReached: more than `limits.microsteps_max`; the machine loops.
        EngineError: another limit was reached, or the targets of a transition contradict each other.
    """
    timer = event.timer
    if timer is not None:
        if not _is_armed(state, *timer):
            return Step(state, "dropped", (), ())
    elif (found := take_shortcut(machine, state, event)) is not None:
        return found
    try:
        return _walk(machine, state, event, now, host)
    except RolledBack as failure:
        return _undo(machine, state, event, now, host, failure.error)


def _walk(machine: Compiled, state: State, event: Event, now: int, host: Host) -> Step:
    """Go the long way."""
    timer = event.timer
    vertex = machine.memory.vertex(state.configuration)
    macrostep = Macrostep(state, event, now, machine.limits, host, asks=machine.asks)
    macrostep.undoes = True
    if state.done:
        macrostep.done = True
        return Step(macrostep.finish(state.configuration), "ignored", (), ())
    if state.invocations:
        _tell_services(machine, vertex, macrostep, event.about.invoke_id)
    edges = choose(vertex, machine.memory.selection(vertex, event.type, timer=timer is not None), macrostep)
    is_deferred = False
    if vertex.defers and (timer is None or timer[0] != event.type):
        edges, is_deferred = _or_defer(machine, vertex, edges, event, macrostep)
    vertex = _settle(machine, vertex, macrostep, edges)
    if macrostep.deferred:
        vertex = _recall(machine, vertex, macrostep)
    state = macrostep.finish(vertex.configuration)
    outcome = "taken" if macrostep.transitions else "deferred" if is_deferred else "ignored"
    return tuple.__new__(Step, (state, outcome, macrostep.effects(), macrostep.transitions))


def _undo(machine: Compiled, state: State, event: Event, now: int, host: Host, error: Raised) -> Step:  # noqa: PLR0917
    """Forget all that a step did until an action failed, and give the error to the state as it was."""
    macrostep = Macrostep(state, event, now, machine.limits, host, asks=machine.asks)
    vertex = _answer(machine, machine.memory.vertex(state.configuration), macrostep, event.type, error)
    if macrostep.deferred:
        vertex = _recall(machine, vertex, macrostep)
    outcome: Outcome = "taken" if macrostep.transitions else "ignored"
    return Step(macrostep.finish(vertex.configuration), outcome, macrostep.effects(), macrostep.transitions)


def _answer(machine: Compiled, vertex: Vertex, macrostep: Macrostep, undone: str, error: Raised) -> Vertex:
    """Give the error of what was undone, and the type of its event, to the state as it was; nothing undoes that."""
    event_type, data, about = error
    macrostep.undoes = False
    macrostep.log(f"rolled back: {data['what']} ({data['where']})")
    macrostep.raise_event(event_type, {**data, "event": undone}, about)
    return _settle(machine, vertex, macrostep, ())


def stop(machine: Compiled, state: State, now: int, *, host: Host = HERE) -> Step:
    """End an instance from outside: the exit blocks of its active states run, and its timers and services end.

    Raises:
        UnknownConfiguration: another version of the machine wrote this state.
    """
    macrostep = Macrostep(state, Event("", "", "", None), now, machine.limits, host, asks=machine.asks)
    vertex = machine.memory.vertex(state.configuration)
    macrostep.done = True
    if not state.done:
        for operation in machine.memory.death(vertex):
            operation(macrostep)
        macrostep.timers = {}
    return Step(macrostep.finish(state.configuration), "taken", macrostep.effects(), ())


def _is_armed(state: State, timer_id: str, armed: int) -> bool:
    timer = state.timers.get(timer_id)
    return timer is not None and timer.armed == armed


def _settle(machine: Compiled, vertex: Vertex, macrostep: Macrostep, edges: Edges) -> Vertex:
    """Take `edges`, then eventless transitions and raised events until nothing more can be taken."""
    memory = machine.memory
    while not macrostep.done:
        if edges:
            vertex = _take(machine, memory.microstep(vertex, edges, macrostep.history), macrostep)
            edges = ()
            continue
        # None where a guard is to be asked; mostly there is nothing to take.
        edges = () if vertex.eventless.certain == () else choose(vertex, vertex.eventless, macrostep)
        if edges:
            continue
        if not macrostep.queue:
            if macrostep.entered:
                _invoke(machine, vertex, macrostep)
            # What could not be begun is told; an id that was put into the context waits for the next event.
            if not macrostep.queue:
                break
            continue
        edges = choose(vertex, memory.selection(vertex, macrostep.receive()), macrostep)
    return vertex


def _or_defer(
    machine: Compiled, vertex: Vertex, edges: Edges, event: Event, macrostep: Macrostep
) -> tuple[Edges, bool]:
    """Leave out transitions of states above one that defers the event; keep the event if none is left (UML 2.5.1)."""
    deferrers = deferring(vertex, event.type)
    nodes = machine.chart.nodes
    edges = tuple(edge for edge in edges if not any(nodes[edge.source].holds(number) for number in deferrers))
    if edges or not deferrers:
        return edges, False
    macrostep.defer(event)
    return (), True


def _recall(machine: Compiled, vertex: Vertex, macrostep: Macrostep) -> Vertex:
    """Take deferred events, the oldest first, as soon as no active state defers them.

    Where one fails in a state that undoes, what it did is undone, it is gone, and its error is told: what was done
    before stands. Were the whole step undone, the event would be deferred still, and undo each step that leads here.
    """
    place = 0
    while not macrostep.done and place < len(macrostep.deferred):
        if deferring(vertex, macrostep.deferred[place].type):
            place += 1
            continue
        event = macrostep.recall(place)
        mark, macrostep.undoes = macrostep.mark(), True
        try:
            edges = choose(vertex, machine.memory.selection(vertex, event.type), macrostep)
            entered = _settle(machine, vertex, macrostep, edges)
        except RolledBack as failure:
            macrostep.go_back(mark)
            entered = _answer(machine, vertex, macrostep, event.type, failure.error)
        vertex = entered
        # Another configuration may defer others, and no longer those that were passed over.
        place = 0
    return vertex


def _invoke(machine: Compiled, vertex: Vertex, macrostep: Macrostep) -> None:
    """Start the services of the states that were entered and are still active."""
    entered, macrostep.entered = sorted(macrostep.entered), frozenset()
    for number in entered:
        for invocation in machine.chart.nodes[number].invocations:
            invocation.begin(macrostep, vertex.in_state)


def _tell_services(machine: Compiled, vertex: Vertex, macrostep: Macrostep, sender: str) -> None:
    """Run `finalize` where the event comes from a service, and hand the event to those that get all of them."""
    for number in sorted(vertex.active):
        for invocation in machine.chart.nodes[number].invocations:
            for invoke_id, key in macrostep.invocations.items():
                if key != invocation.key:
                    continue
                if invoke_id == sender and invocation.finalize is not None:
                    invocation.finalize(macrostep, vertex.in_state)
                if invocation.forwards:
                    macrostep.forward(invoke_id)


def _take(machine: Compiled, microstep: Microstep, macrostep: Macrostep) -> Vertex:
    macrostep.microsteps += 1
    if macrostep.microsteps > machine.limits.microsteps_max:
        raise MicrostepLimitReached(
            f"more than {machine.limits.microsteps_max} microsteps in one macrostep; the machine loops",
            where=f"the states {', '.join(microstep.vertex.configuration)}",
        )
    plan = microstep.plan
    macrostep.transitions += plan.transitions
    if plan.remembered:
        macrostep.history = {**macrostep.history, **plan.remembered}
    for operation in plan.operations:
        operation(macrostep)
    if plan.final:
        _end(machine, microstep.vertex, macrostep)
    return microstep.vertex


def _end(machine: Compiled, vertex: Vertex, macrostep: Macrostep) -> None:
    """Finish the instance: run `onDone` of the root and all exit blocks, and forget its timers and raised events."""
    macrostep.done = True
    for edge in choose(vertex, machine.completion, macrostep):
        macrostep.transitions += (edge.index,)
        if edge.block is not None:
            edge.block.perform(macrostep, vertex.in_state)
    for operation in machine.memory.death(vertex):
        operation(macrostep)
    macrostep.timers = {}
    macrostep.deferred = ()
    macrostep.tell_output()
