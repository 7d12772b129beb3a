"""What is seen of steps, so that those of two machines can be compared whose states have other names.

Seen are, of each step, its outcome, its effects, and the state after it: the configuration and what history states
remember, each name as `Names` maps it, the context, what is deferred, and whether the instance is done. Effects on
timers are compared by what is armed afterwards: id, event, data and time. A history state that is no longer there is
left out.
Where in a definition an error happened is told in words that number transitions; those words are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any, Final

import orjson

from foliot.engine import ArmTimer, CancelTimer, Event, State, Step
from foliot.optimizing.rewriting import Names

_PLACE: Final = re.compile(r"\b(?:transition \d+|entry|exit|default|output|finalize) of (?:the root|[^\s,;()]+)")
_INNER: Final = re.compile(r"(?:\w+, action \d+ of )+")
SAME: Final = Names({}, {})
"""The names of a machine that is seen as it is."""


def seen_of(steps: tuple[Step, ...], names: Names = SAME) -> Hashable:
    """Tell what is seen of steps that follow each other."""
    return tuple((step.outcome, _effects(step), state_of(step.state, names)) for step in steps)


def state_of(state: State, names: Names = SAME) -> Hashable:
    """Tell what is seen of a state."""
    return (
        tuple(names.states.get(leaf, leaf) for leaf in state.configuration),
        _json(state.context),
        tuple(
            sorted(
                (names.states.get(each, each), tuple(names.states.get(leaf, leaf) for leaf in leaves))
                for each, leaves in state.history.items()
                if names is SAME or each in names.states
            )
        ),
        tuple(
            (names.timers.get(timer_id, timer_id), names.timers.get(each.event, each.event), each.due, _json(each.data))
            for timer_id, each in state.timers.items()
        ),
        tuple(_deferred(event) for event in state.deferred),
        state.done,
    )


def _effects(step: Step) -> Hashable:
    return tuple(
        (type(each).__name__, _json(list(each)))
        for each in step.effects
        if not isinstance(each, ArmTimer | CancelTimer)
    )


def _deferred(event: Event) -> Hashable:
    return (event.id, event.type, _json(event.data))


def _json(value: Any) -> bytes:
    return orjson.dumps(_placeless(value), option=orjson.OPT_SORT_KEYS, default=repr)


def _placeless(value: Any) -> Any:
    """Take the names of places out of all texts."""
    match value:
        case str():
            return _INNER.sub("", _PLACE.sub("a place", value)) if " of " in value else value
        case Mapping():
            return {name: _placeless(each) for name, each in value.items()}
        case list() | tuple():
            return [_placeless(each) for each in value]
        case _:
            return value
