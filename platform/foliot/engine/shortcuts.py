"""Macrosteps that do nothing but assign, without the working copy that others need.

A step is a pure function. So where anything else comes up, a value that is missing or too large among it, the way is
left, and the step begins anew on the long one, which knows what to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from foliot.cel import EvaluationError, to_json
from foliot.engine.compiled import Compiled
from foliot.engine.measures import depth_exceeds, encoded_bytes, is_bulky, is_plain
from foliot.engine.memory import Edges, Memory, Selection, Shortcut, Vertex
from foliot.engine.plans import Memories
from foliot.engine.values import NO_INVOCATIONS, Event, Limits, State, Step, Timer

_UNSEEN: Final[Mapping[str, Any]] = {}
_NO_TIMERS: Final[Mapping[str, Timer]] = {}
_new: Final = tuple.__new__


def take_shortcut(machine: Compiled, state: State, event: Event) -> Step | None:
    """Run a macrostep whose event no timer brought; None if it must go the long way.

    Raises:
        UnknownConfiguration: another version of the machine wrote this state.
    """
    configuration, context, history, timers, position, done, invocations, deferred = state
    memory = machine.memory
    vertex = memory.vertices.get(configuration) or memory.vertex(configuration)
    if done or invocations or deferred or vertex.defers or machine.asks:
        return None
    seen = _UNSEEN
    try:
        shortcut = vertex.ways.get(event.type)
        if shortcut is None:
            shortcut, seen = _find(memory, vertex, context, history, event)
            if shortcut is None:
                return None
        if shortcut.assigns:
            if shortcut.sees_event and seen is _UNSEEN:
                seen = _see(event)
            assigned = _assign(shortcut, machine.limits, context, seen)
            if assigned is None:
                return None
            context = assigned
    except EvaluationError:
        return None
    if shortcut.remembered:
        history = {**history, **shortcut.remembered}
    made = (shortcut.configuration, context, history, timers, position + 1, False, invocations, deferred)
    # Not by their constructors, which take three times as long.
    return _new(Step, (_new(State, made), shortcut.outcome, (), shortcut.transitions))


def take_birth_shortcut(machine: Compiled, event: Event) -> Step | None:
    """Enter the initial states; None if it must go the long way."""
    shortcut = machine.memory.birth_shortcut
    if shortcut is None or machine.asks:
        return None
    seen = _see(event) if shortcut.sees_event else _UNSEEN
    try:
        context = _assign(shortcut, machine.limits, machine.definition.context.initial, seen)
    except EvaluationError:
        return None
    if context is None:
        return None
    made = (shortcut.configuration, context, shortcut.remembered, _NO_TIMERS, 1, False, NO_INVOCATIONS, ())
    return _new(Step, (_new(State, made), "taken", (), shortcut.transitions))


def _find(
    memory: Memory, vertex: Vertex, context: Mapping[str, Any], history: Memories, event: Event
) -> tuple[Shortcut | None, Mapping[str, Any]]:
    """Find the shortcut by what guards say; give the event, too, as they have seen it."""
    seen = _UNSEEN
    selection = memory.selection(vertex, event.type)
    edges = selection.certain
    if edges is None:
        seen = _see(event) if selection.sees_event else _UNSEEN
        edges = _choose(selection, context, seen, vertex)
    shortcut = vertex.shortcuts.get(edges) or memory.shortcut(vertex, edges, history)
    if shortcut is not None and edges is selection.certain and edges in vertex.shortcuts:
        vertex.ways[event.type] = shortcut
    return shortcut, seen


def _see(event: Event) -> dict[str, Any]:
    event_id, source, event_type, data, time, _, _ = event
    return {"id": event_id, "type": event_type, "source": source, "time": time, "data": data}


def _choose(selection: Selection, context: Mapping[str, Any], seen: Mapping[str, Any], vertex: Vertex) -> Edges:
    chosen: Edges = ()
    for chain in selection.chains:
        for edge in chain:
            guard = edge.guard
            if guard is None or guard(context, seen, vertex.in_state):
                if edge not in chosen:
                    chosen += (edge,)
                break
    return chosen


def _assign(
    shortcut: Shortcut, limits: Limits, context: Mapping[str, Any], seen: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Give the context afterwards; None if it has grown past a limit."""
    bulky = False
    for assigned, in_state in shortcut.assigns:
        changed = {**context}
        for name, evaluate in assigned:
            value = evaluate(context, seen, in_state)
            if not is_plain(value):
                value = to_json(value)
                if is_bulky(value):
                    if depth_exceeds(value, limits.depth_max - 1):
                        return None
                    bulky = True
            changed[name] = value
        context = changed
    if bulky and encoded_bytes(context) > limits.context_bytes_max:
        return None
    return context
