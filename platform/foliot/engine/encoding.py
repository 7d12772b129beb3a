"""States as bytes: canonical JSON, so that equal states have equal bytes."""

from __future__ import annotations

from typing import Any

import orjson

from foliot.engine.errors import StateNotEncodable, StateUnreadable
from foliot.engine.values import NO_INVOCATIONS, About, Event, State, Timer


def encode(state: State) -> bytes:
    """Write a state as JSON with sorted keys.

    Raises:
        StateNotEncodable: the context or a timer's data holds what JSON cannot carry.
    """
    configuration, context, history, timers, position, done, invocations, deferred = state
    fields = {
        "configuration": configuration,
        "context": context,
        "done": done,
        "history": history,
        "position": position,
        "timers": {timer_id: _timer_fields(timer) for timer_id, timer in timers.items()} if timers else timers,
    }
    if invocations:
        fields["invocations"] = invocations
    if deferred:
        fields["deferred"] = [(*event[:5], *event.about) for event in deferred]
    try:
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise StateNotEncodable(f"the state has no JSON: {error}") from error


def decode(encoded: bytes) -> State:
    """Read what `encode` wrote.

    Raises:
        StateUnreadable: the bytes are not an encoded state.
    """
    try:
        fields = orjson.loads(encoded)
        history, timers, deferred = fields["history"], fields["timers"], fields.get("deferred", ())
        # Mostly empty, and then as they are; not by its constructor, which takes three times as long.
        return tuple.__new__(
            State,
            (
                tuple(fields["configuration"]),
                fields["context"],
                {name: tuple(states) for name, states in history.items()} if history else history,
                {timer_id: Timer(**timer) for timer_id, timer in timers.items()} if timers else timers,
                fields["position"],
                fields["done"],
                fields.get("invocations", NO_INVOCATIONS),
                tuple(_event(*event) for event in deferred) if deferred else (),
            ),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StateUnreadable(f"no encoded state: {error}") from error


def _timer_fields(timer: Timer) -> dict[str, Any]:
    return {"armed": timer.armed, "data": timer.data, "due": timer.due, "event": timer.event}


def _event(id_: str, source: str, type_: str, data: Any, time: str | None, *about: Any) -> Event:
    return Event(id_, source, type_, data, time, None, About(*about))
