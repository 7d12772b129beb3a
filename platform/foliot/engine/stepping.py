"""The two moves of an instance: its birth, and one macrostep.

Source: W3C SCXML 1.0, appendix D, "Algorithm for SCXML Interpretation" (`mainEventLoop`).
"""

from __future__ import annotations

from foliot.engine.compiled import Compiled
from foliot.engine.errors import MicrostepLimitReached
from foliot.engine.memory import Edges, Microstep, Vertex, choose
from foliot.engine.scratch import Macrostep
from foliot.engine.values import Event, State, Step


def start(machine: Compiled, event: Event, now: int) -> Step:
    """Enter the initial states of `machine` and run until it is stable.

    `event` is the one that causes the birth: expressions see it, but it selects nothing. The caller steps the new
    instance with it afterwards. `now` is in microseconds since 1970, UTC.

    Raises:
        EngineError: one of the limits was reached, or the initial states are no legal configuration.
    """
    unborn = State((), machine.definition.context.initial, {}, {}, 0, done=False)
    macrostep = Macrostep(unborn, event, now, machine.limits)
    vertex = _take(machine, machine.memory.birth, macrostep)
    vertex = _settle(machine, vertex, macrostep, ())
    state = macrostep.finish(vertex.configuration)
    return Step(state, "taken", macrostep.effects(), macrostep.transitions)


def step(machine: Compiled, state: State, event: Event, now: int) -> Step:
    """Run one macrostep of `machine` from `state` with `event`. `now` is in microseconds since 1970, UTC.

    An event that no transition takes is not an error: the same state returns, one position further, and
    `Step.outcome` is "ignored". The event of a timer that is not armed is "dropped": the very same state returns.

    Raises:
        UnknownConfiguration: another version of the machine wrote this state.
        MicrostepLimitReached: more than `limits.microsteps_max`; the machine loops.
        EngineError: another limit was reached, or the targets of a transition contradict each other.
    """
    timer = event.timer
    if timer is not None and not _is_armed(state, *timer):
        return Step(state, "dropped", (), ())
    macrostep = Macrostep(state, event, now, machine.limits)
    vertex = machine.memory.vertex(state.configuration)
    if state.done:
        macrostep.done = True
        return Step(macrostep.finish(state.configuration), "ignored", (), ())
    selection = machine.memory.selection(vertex, event.type, timer=timer is not None)
    vertex = _settle(machine, vertex, macrostep, choose(vertex, selection, macrostep))
    state = macrostep.finish(vertex.configuration)
    outcome = "taken" if macrostep.microsteps else "ignored"
    return tuple.__new__(Step, (state, outcome, macrostep.effects(), macrostep.transitions))


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
            break
        edges = choose(vertex, memory.selection(vertex, macrostep.receive()), macrostep)
    return vertex


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
            edge.block(macrostep, vertex.in_state)
    for operation in machine.memory.death(vertex):
        operation(macrostep)
    macrostep.timers = {}
