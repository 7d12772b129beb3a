"""What of a machine shows in its behaviour beside where it goes: names of states, types of events, errors of guards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from foliot.cel import CelError
from foliot.definition import (
    IN_STATE_CALL,
    Cancel,
    Definition,
    Dispatch,
    Raise,
    Send,
    StateNode,
    Transition,
    Withdraw,
    compile_value,
)
from foliot.optimizing.descriptors import overlap

_CERTAIN: Final = re.compile(r"""\s*(true|false|!?inState\(\s*(["'])[^"']*\2\s*\))\s*""")
_NAMING: Final = re.compile(r"(?:done\.state|after\.\d+)\.(?P<state>.+)")
_ERROR: Final = "error.execution"


class Visibility:
    """What shows, as far as the text tells: where it does not, everything does."""

    def __init__(self, definition: Definition) -> None:
        nodes = tuple(definition.root.walk())
        sources = tuple(_sources(definition.model_dump(mode="json")["root"]))
        actions = tuple(definition.actions())
        self._descriptors = [t.event or "" for node in nodes for t in (*node.transitions, *node.on_error)]
        self._descriptors += [each for node in nodes for each in node.defer]
        words = [word for each in self._descriptors for word in each.split()]
        words += [each.event for each in actions if isinstance(each, Raise | Send)]
        words += [each.id for each in actions if isinstance(each, Cancel | Send) and each.id is not None]
        self._named = {match[2] for source in sources for match in IN_STATE_CALL.finditer(source)}
        self._below = {
            found["state"].removesuffix("*").removesuffix(".") for word in words if (found := _NAMING.fullmatch(word))
        } - {""}
        dynamic = any(isinstance(each, Dispatch | Withdraw) for each in actions)
        self._any_named = any(source.count("inState") != len(IN_STATE_CALL.findall(source)) for source in sources)
        self._all = definition.system or dynamic or self._any_named
        self._types = any(_reads_type(source) for source in sources)
        self._raised = [each.event for each in actions if isinstance(each, Raise)]
        self._defers = any(node.defer for node in nodes)
        self._errors = any(overlap(each, _ERROR) for each in self._descriptors) or any(
            _reads_event(t.guard) for node in nodes for t in node.always if t.guard is not None
        )

    def shows(self, node: StateNode) -> bool:
        """Say whether something would differ if the state had another name."""
        if self._all or node.invocations or node.id in self._named:
            return True
        if any(node.id == each or node.id.startswith(f"{each}.") for each in self._below):
            return True
        return self._types and (bool(node.after) or node.can_be_done)

    def is_asked_for(self, state: str) -> bool:
        """Say whether an expression asks whether the state is active."""
        return self._any_named or state in self._named

    def asks_once(self, transition: Transition) -> bool:
        """Say whether it does not matter that a macrostep reports the error of a guard once for each transition.

        It does where the same guard stands at two transitions that become one, may fail, is asked twice in a macrostep,
        and somebody listens to errors.
        """
        guard = transition.guard
        if guard is None or _CERTAIN.fullmatch(guard) or not (self._all or self._errors):
            return True
        inner = (*self._raised, _ERROR, "done.state")
        event = transition.event
        return event is not None and not (self._all or self._defers or any(overlap(event, each) for each in inner))

    def fails_unseen(self, transition: Transition) -> bool:
        """Say whether asking the guard a second time cannot be noticed: it cannot fail, or nobody listens."""
        guard = transition.guard
        return guard is None or _CERTAIN.fullmatch(guard) is not None or not (self._all or self._errors)


def _sources(value: Any) -> Iterator[str]:
    """Yield all expressions of a dumped tree."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name in {"source", "guard"} and isinstance(each, str):
                yield each
            else:
                yield from _sources(each)
    elif isinstance(value, list):
        for each in value:
            yield from _sources(each)


@lru_cache(maxsize=4_096)
def _reads(source: str) -> frozenset[str] | None:
    try:
        return compile_value(source).reads
    except CelError:
        return None


def _reads_type(source: str) -> bool:
    reads = _reads(source)
    return reads is None or any(path == "event" or path.split(".")[:2] == ["event", "type"] for path in reads)


def _reads_event(source: str) -> bool:
    reads = _reads(source)
    return reads is None or any(path.split(".")[0] == "event" for path in reads)
