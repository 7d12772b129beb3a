"""The four machines by hand, as somebody writes them who needs just this machine and wants it fast.

No peer but an upper bound: nothing here is a statechart any more, and whoever changes a machine writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from platform import python_version
from typing import Any, Final, TypeAlias

import orjson

from benchmarks.peers.engines.measuring import Make, Sight, run

Held: TypeAlias = dict[str, Any]
"""`at` is the leaf (of each region), `last` what history remembers, the rest is the context. Changed in place."""
Take: TypeAlias = Callable[[Held, str, Mapping[str, Any]], None]

_RING: Final = {"a": {"go": "b"}, "b": {"go": "c"}, "c": {"go": "d"}, "d": {"go": "a"}}
_MIDDLE: Final = {"middle_a": "middle_b", "middle_b": "middle_a"}
_MOVES: Final = {
    # Where it leads, how many states are left, how many entered.
    ("x", "move"): ("y", 1, 1),
    ("y", "move"): ("z", 1, 1),
    ("z", "move"): ("x", 1, 1),
    ("u", "move"): ("v", 1, 1),
    ("v", "move"): ("u", 1, 1),
    **{(leaf, "shift"): ("u", 2, 2) for leaf in "xyz"},
    **{(leaf, "shift"): ("x", 2, 2) for leaf in "uv"},
}
_DEPTH: Final = 5


def take_ring(held: Held, event: str, _data: Mapping[str, Any]) -> None:
    """Go round."""
    target = _RING[held["at"]].get(event)
    if target is not None:
        held["at"] = target


def take_parallel(held: Held, event: str, _data: Mapping[str, Any]) -> None:
    """Move all three regions."""
    if event != "go":
        return
    left, middle, right = held["at"]
    if middle == "middle_b" or held["n"] >= 0:
        middle = _MIDDLE[middle]
    if right == "right_a":
        held["n"] += 1
    held["at"] = (
        "left_b" if left == "left_a" else "left_a",
        middle,
        "right_b" if right == "right_a" else "right_a",
    )


def take_history(held: Held, event: str, _data: Mapping[str, Any]) -> None:
    """Move a leaf, leave, and come back to where it was."""
    leaf = held["at"]
    move = _MOVES.get((leaf, event))
    if move is not None:
        held["at"], left, entered = move
        held["left"] += left
        held["entered"] += entered
    elif leaf == "away":
        if event == "back":
            held["at"] = held["last"]
            held["entered"] += _DEPTH
    elif event == "leave":
        held["last"] = leaf
        held["at"] = "away"
        held["left"] += _DEPTH


def take_agent(held: Held, event: str, data: Mapping[str, Any]) -> None:
    """Call the function of the state and the event."""
    action = _AGENT[held["at"]].get(event)
    if action is not None:
        action(held, data)


def _ask(held: Held, data: Mapping[str, Any]) -> None:
    held.update(at="planning", question=data["question"], answer="", observation="", tool_calls=0, attempts=0)


def _answer(held: Held, data: Mapping[str, Any]) -> None:
    held["at"] = "done"
    held["answer"] = data["text"]


def _call(held: Held, data: Mapping[str, Any]) -> None:
    held["at"] = "calling"
    held["tool"] = data["tool"]
    held["tool_calls"] += 1
    held["attempts"] = 1


def _succeed(held: Held, data: Mapping[str, Any]) -> None:
    held["at"] = "planning"
    held["observation"] = data["result"]


def _fail(held: Held, data: Mapping[str, Any]) -> None:
    if held["attempts"] < 3:
        held["at"] = "resting"
    else:
        held["at"] = "planning"
        held["observation"] = data["reason"]


def _retry(held: Held, _data: Mapping[str, Any]) -> None:
    held["at"] = "calling"
    held["attempts"] += 1


def _reply(held: Held, data: Mapping[str, Any]) -> None:
    held["at"] = "planning"
    held["observation"] = data["text"]


def _put_question(held: Held, _data: Mapping[str, Any]) -> None:
    held["at"] = "asking"


def _rest(held: Held, _data: Mapping[str, Any]) -> None:
    held["at"] = "idle"


_AGENT: Final[dict[str, dict[str, Callable[[Held, Mapping[str, Any]], None]]]] = {
    "idle": {"asked": _ask},
    "planning": {"plan_answer": _answer, "plan_tool": _call, "plan_question": _put_question, "cancelled": _rest},
    "calling": {"tool_succeeded": _succeed, "tool_failed": _fail, "cancelled": _rest},
    "resting": {"retry": _retry, "cancelled": _rest},
    "asking": {"replied": _reply, "cancelled": _rest},
    "done": {"acknowledged": _rest},
}


class Tables:
    """A machine as a function over a dictionary."""

    def __init__(self, take: Take, initial: Held, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        self._take = take
        self._initial = initial
        self._events = [(event, data) for event, data in events]

    def create(self) -> Held:
        """Copy the initial dictionary."""
        return self._initial.copy()

    def send(self, held: Held, number: int) -> Held:
        """Take one event."""
        self._take(held, *self._events[number])
        return held

    def drive(self, held: Held, times: int) -> Held:
        """Take all events."""
        take, events = self._take, self._events
        for _ in range(times):
            for event, data in events:
                take(held, event, data)
        return held

    def look(self, held: Held) -> Sight:
        """Tell the leaves from the context."""
        at = held["at"]
        context = {name: value for name, value in held.items() if name not in ("at", "last")}
        return [at] if isinstance(at, str) else list(at), context

    def save(self, held: Held) -> bytes:
        """Write JSON."""
        return orjson.dumps(held)

    def load(self, saved: bytes) -> Held:
        """Read JSON."""
        held: Held = orjson.loads(saved)
        return held


def _tables(take: Take, initial: Held) -> Make:
    return lambda events: Tables(take, initial, events)


MACHINES: Final[dict[str, Make]] = {
    "ring": _tables(take_ring, {"at": "a"}),
    "parallel": _tables(take_parallel, {"at": ("left_a", "middle_a", "right_a"), "n": 0}),
    "history": _tables(take_history, {"at": "x", "last": None, "entered": _DEPTH, "left": 0}),
    "agent": _tables(
        take_agent,
        {"at": "idle", "question": "", "answer": "", "tool": "", "observation": "", "tool_calls": 0, "attempts": 0},
    ),
}

if __name__ == "__main__":
    run(f"Python {python_version()}", MACHINES)
