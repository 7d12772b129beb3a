"""transitions: one machine for many models, the flat core where it suffices and the hierarchical one elsewhere.

Without its automatic transitions and without event objects, as its documentation advises whoever wants it light.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import orjson
from transitions import Machine
from transitions.extensions import HierarchicalMachine
from transitions.extensions.nesting import NestedState

from benchmarks.peers.engines.measuring import Make, Sight, run


class Dotted(NestedState):
    """A state whose path has dots."""

    separator = "."


class Nested(HierarchicalMachine):
    """The hierarchical machine with dots."""

    state_cls = Dotted


class Model:
    """An instance: the library binds its events to it and keeps `state` on it."""

    state: Any = None

    def __init__(self, context: dict[str, Any]) -> None:
        self.context = context


class Counting(Model):
    """Of the parallel machine."""

    def counted(self) -> bool:
        """Whether the counter is no less than 0."""
        return bool(self.context["n"] >= 0)

    def count(self) -> None:
        """Count."""
        self.context["n"] += 1


class Agent(Model):
    """Of the agent machine."""

    def may_retry(self, **_data: Any) -> bool:
        """Whether a tool may be tried once more."""
        return bool(self.context["attempts"] < 3)

    def begin(self, question: str) -> None:
        """Forget the last turn."""
        self.context.update(question=question, answer="", observation="", tool_calls=0, attempts=0)

    def choose(self, tool: str) -> None:
        """Count a call."""
        self.context.update(tool=tool, tool_calls=self.context["tool_calls"] + 1, attempts=1)

    def try_again(self) -> None:
        """Count an attempt."""
        self.context["attempts"] += 1

    def answer(self, text: str) -> None:
        """Keep the answer."""
        self.context["answer"] = text

    def keep_result(self, result: str) -> None:
        """Keep what a tool found."""
        self.context["observation"] = result

    def keep_reason(self, reason: str) -> None:
        """Keep why a tool failed."""
        self.context["observation"] = reason

    def keep_text(self, text: str) -> None:
        """Keep what the user said."""
        self.context["observation"] = text


class Models:
    """A machine of the library, and the models that are added to it."""

    def __init__(
        self,
        machine: Callable[..., Machine],
        model: type[Model],
        context: dict[str, Any],
        events: Sequence[tuple[str, dict[str, Any]]],
    ) -> None:
        self._machine = machine(model=None, auto_transitions=False, send_event=False)
        self._model = model
        self._context = context
        self._events = [(event, data) for event, data in events]

    def create(self) -> Model:
        """Add a model, which is then in the initial states, and let the machine forget it: it works without."""
        return self._add(self._context.copy(), None)

    def send(self, model: Model, number: int) -> Model:
        """Call one event."""
        event, data = self._events[number]
        getattr(model, event)(**data)
        return model

    def drive(self, model: Model, times: int) -> Model:
        """Call all events."""
        events = [(getattr(model, event), data) for event, data in self._events]
        for _ in range(times):
            for event, data in events:
                event(**data)
        return model

    def look(self, model: Model) -> Sight:
        """Name the leaves by the ends of their paths."""
        state = model.state
        paths = [state] if isinstance(state, str) else _flat(state)
        return [path.rpartition(".")[2] for path in paths], model.context

    def save(self, model: Model) -> bytes:
        """Write the state and the context."""
        return orjson.dumps((model.state, model.context))

    def load(self, saved: bytes) -> Model:
        """Add a model in the state that was written."""
        state, context = orjson.loads(saved)
        return self._add(context, state)

    def _add(self, context: dict[str, Any], state: Any) -> Model:
        model = self._model(context)
        self._machine.add_model(model, initial=state)
        self._machine.remove_model(model)
        return model


def _flat(states: Any) -> list[str]:
    return [states] if isinstance(states, str) else [leaf for state in states for leaf in _flat(state)]


_RING: Final = partial(
    Machine,
    states=["a", "b", "c", "d"],
    initial="a",
    transitions=[["go", "a", "b"], ["go", "b", "c"], ["go", "c", "d"], ["go", "d", "a"]],
)
_PARALLEL: Final = partial(
    Nested,
    states=[
        {
            "name": "regions",
            "parallel": [
                {
                    "name": "left",
                    "initial": "left_a",
                    "children": ["left_a", "left_b"],
                    "transitions": [["go", "left_a", "left_b"], ["go", "left_b", "left_a"]],
                },
                {
                    "name": "middle",
                    "initial": "middle_a",
                    "children": ["middle_a", "middle_b"],
                    "transitions": [["go", "middle_a", "middle_b", "counted"], ["go", "middle_b", "middle_a"]],
                },
                {
                    "name": "right",
                    "initial": "right_a",
                    "children": ["right_a", "right_b"],
                    "transitions": [
                        {"trigger": "go", "source": "right_a", "dest": "right_b", "before": "count"},
                        ["go", "right_b", "right_a"],
                    ],
                },
            ],
        }
    ],
    initial="regions",
)
_AGENT: Final = partial(
    Nested,
    states=[
        "idle",
        {
            "name": "turn",
            "initial": "planning",
            "children": [
                "planning",
                {"name": "executing", "initial": "calling", "children": ["calling", "resting"]},
                "asking",
            ],
        },
        "done",
    ],
    initial="idle",
    transitions=[
        {"trigger": "asked", "source": "idle", "dest": "turn", "before": "begin"},
        {"trigger": "plan_answer", "source": "turn.planning", "dest": "done", "before": "answer"},
        {"trigger": "plan_tool", "source": "turn.planning", "dest": "turn.executing", "before": "choose"},
        ["plan_question", "turn.planning", "turn.asking"],
        {
            "trigger": "tool_succeeded",
            "source": "turn.executing.calling",
            "dest": "turn.planning",
            "before": "keep_result",
        },
        ["tool_failed", "turn.executing.calling", "turn.executing.resting", "may_retry"],
        {
            "trigger": "tool_failed",
            "source": "turn.executing.calling",
            "dest": "turn.planning",
            "before": "keep_reason",
        },
        {
            "trigger": "retry",
            "source": "turn.executing.resting",
            "dest": "turn.executing.calling",
            "before": "try_again",
        },
        {"trigger": "replied", "source": "turn.asking", "dest": "turn.planning", "before": "keep_text"},
        ["cancelled", "turn", "idle"],
        ["acknowledged", "done", "idle"],
    ],
)
MACHINES: Final[dict[str, Make | str]] = {
    "ring": partial(Models, _RING, Model, {}),
    "parallel": partial(Models, _PARALLEL, Counting, {"n": 0}),
    "history": "it has no history states",
    "agent": partial(
        Models,
        _AGENT,
        Agent,
        {"question": "", "answer": "", "tool": "", "observation": "", "tool_calls": 0, "attempts": 0},
    ),
}

if __name__ == "__main__":
    run(f"transitions {version('transitions')}", MACHINES)
