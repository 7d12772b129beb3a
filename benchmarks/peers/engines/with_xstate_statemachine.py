"""xstate-statemachine: XState's JSON with actions in Python, run by its synchronous interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import orjson
from xstate_statemachine import Event, MachineLogic, SyncInterpreter, create_machine

from benchmarks.peers.engines.measuring import Make, Sight, run

_COUNTED: Final = {"entry": "arrive", "exit": "depart"}
CONFIGS: Final[dict[str, dict[str, Any]]] = {
    "ring": {
        "id": "ring",
        "initial": "a",
        "states": {
            "a": {"on": {"go": "b"}},
            "b": {"on": {"go": "c"}},
            "c": {"on": {"go": "d"}},
            "d": {"on": {"go": "a"}},
        },
    },
    "parallel": {
        "id": "parallel",
        "type": "parallel",
        "context": {"n": 0},
        "states": {
            "left": {
                "initial": "left_a",
                "states": {"left_a": {"on": {"go": "left_b"}}, "left_b": {"on": {"go": "left_a"}}},
            },
            "middle": {
                "initial": "middle_a",
                "states": {
                    "middle_a": {"on": {"go": {"target": "middle_b", "guard": "counted"}}},
                    "middle_b": {"on": {"go": "middle_a"}},
                },
            },
            "right": {
                "initial": "right_a",
                "states": {
                    "right_a": {"on": {"go": {"target": "right_b", "actions": "count"}}},
                    "right_b": {"on": {"go": "right_a"}},
                },
            },
        },
    },
    "history": {
        "id": "history",
        "initial": "work",
        "context": {"entered": 0, "left": 0},
        "states": {
            "work": {
                **_COUNTED,
                "initial": "phase",
                "on": {"leave": "away"},
                "states": {
                    "recall": {"type": "history", "history": "deep", "target": "phase"},
                    "phase": {
                        **_COUNTED,
                        "initial": "task",
                        "states": {
                            "task": {
                                **_COUNTED,
                                "initial": "first",
                                "states": {
                                    "first": {
                                        **_COUNTED,
                                        "initial": "x",
                                        "on": {"shift": "second"},
                                        "states": {
                                            "x": {**_COUNTED, "on": {"move": "y"}},
                                            "y": {**_COUNTED, "on": {"move": "z"}},
                                            "z": {**_COUNTED, "on": {"move": "x"}},
                                        },
                                    },
                                    "second": {
                                        **_COUNTED,
                                        "initial": "u",
                                        "on": {"shift": "first"},
                                        "states": {
                                            "u": {**_COUNTED, "on": {"move": "v"}},
                                            "v": {**_COUNTED, "on": {"move": "u"}},
                                        },
                                    },
                                },
                            }
                        },
                    },
                },
            },
            "away": {"on": {"back": "work.recall"}},
        },
    },
    "agent": {
        "id": "agent",
        "initial": "idle",
        "context": {"question": "", "answer": "", "tool": "", "observation": "", "tool_calls": 0, "attempts": 0},
        "states": {
            "idle": {"on": {"asked": {"target": "turn", "actions": "begin"}}},
            "turn": {
                "initial": "planning",
                "on": {"cancelled": "idle"},
                "states": {
                    "planning": {
                        "on": {
                            "plan_answer": {"target": "#agent.done", "actions": "answer"},
                            "plan_tool": {"target": "executing", "actions": "choose"},
                            "plan_question": "asking",
                        }
                    },
                    "executing": {
                        "initial": "calling",
                        "states": {
                            "calling": {
                                "on": {
                                    "tool_succeeded": {"target": "#agent.turn.planning", "actions": "keep_result"},
                                    "tool_failed": [
                                        {"target": "resting", "guard": "may_retry"},
                                        {"target": "#agent.turn.planning", "actions": "keep_reason"},
                                    ],
                                }
                            },
                            "resting": {"on": {"retry": {"target": "calling", "actions": "try_again"}}},
                        },
                    },
                    "asking": {"on": {"replied": {"target": "planning", "actions": "keep_text"}}},
                },
            },
            "done": {"on": {"acknowledged": "idle"}},
        },
    },
}


def _set(write: Callable[[dict[str, Any], dict[str, Any]], None]) -> Callable[..., None]:
    """Make an action of the library out of what writes the context."""

    def action(_interpreter: Any, context: dict[str, Any], event: Any, _definition: Any) -> None:
        write(context, event.payload)

    return action


def _begin(context: dict[str, Any], data: dict[str, Any]) -> None:
    context.update(question=data["question"], answer="", observation="", tool_calls=0, attempts=0)


def _choose(context: dict[str, Any], data: dict[str, Any]) -> None:
    context.update(tool=data["tool"], tool_calls=context["tool_calls"] + 1, attempts=1)


def _more(name: str) -> Callable[..., None]:
    def action(_interpreter: Any, context: dict[str, Any], _event: Any, _definition: Any) -> None:
        context[name] += 1

    return action


def _keep(name: str, field: str) -> Callable[..., None]:
    def action(_interpreter: Any, context: dict[str, Any], event: Any, _definition: Any) -> None:
        context[name] = event.payload[field]

    return action


_ACTIONS: Final[dict[str, Callable[..., None]]] = {
    "count": _more("n"),
    "arrive": _more("entered"),
    "depart": _more("left"),
    "try_again": _more("attempts"),
    "begin": _set(_begin),
    "choose": _set(_choose),
    "answer": _keep("answer", "text"),
    "keep_result": _keep("observation", "result"),
    "keep_reason": _keep("observation", "reason"),
    "keep_text": _keep("observation", "text"),
}
_GUARDS: Final[dict[str, Callable[..., bool]]] = {
    "counted": lambda context, _event: context["n"] >= 0,
    "may_retry": lambda context, _event: context["attempts"] < 3,
}


class Interpreters:
    """A machine of the library, and interpreters of it."""

    def __init__(self, name: str, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        self._machine = create_machine(CONFIGS[name], logic=MachineLogic(actions=_ACTIONS, guards=_GUARDS))
        self._events = [Event(event, data) for event, data in events]

    def create(self) -> Any:
        """Start an interpreter."""
        return SyncInterpreter(self._machine).start()

    def send(self, interpreter: Any, number: int) -> Any:
        """Send one event."""
        interpreter.send(self._events[number])
        return interpreter

    def drive(self, interpreter: Any, times: int) -> Any:
        """Send all events."""
        events = self._events
        for _ in range(times):
            for event in events:
                interpreter.send(event)
        return interpreter

    def look(self, interpreter: Any) -> Sight:
        """Name the leaves by the ends of their paths."""
        return [leaf.rpartition(".")[2] for leaf in interpreter.current_state_ids], interpreter.context

    def save(self, interpreter: Any) -> bytes:
        """Write its snapshot."""
        return orjson.dumps(interpreter.get_persisted_snapshot())

    def load(self, saved: bytes) -> Any:
        """Restore the snapshot; without services and timers there is nothing to start."""
        return SyncInterpreter.from_snapshot(saved.decode(), self._machine)


MACHINES: Final[dict[str, Make | str]] = {name: partial(Interpreters, name) for name in CONFIGS}

if __name__ == "__main__":
    run(f"xstate-statemachine {version('xstate-statemachine')}", MACHINES)
