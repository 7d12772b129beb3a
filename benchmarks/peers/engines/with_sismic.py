"""sismic: statecharts in its YAML with Python in them, contracts left out, as its documentation advises for speed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import orjson
from sismic.interpreter import Interpreter
from sismic.io import import_from_yaml
from sismic.model import Event

from benchmarks.peers.engines.measuring import Make, Sight, run

RING: Final = """
statechart:
  name: ring
  root state:
    name: root
    initial: a
    states:
      - {name: a, transitions: [{event: go, target: b}]}
      - {name: b, transitions: [{event: go, target: c}]}
      - {name: c, transitions: [{event: go, target: d}]}
      - {name: d, transitions: [{event: go, target: a}]}
"""
PARALLEL: Final = """
statechart:
  name: parallel
  root state:
    name: regions
    parallel states:
      - name: left
        initial: left_a
        states:
          - {name: left_a, transitions: [{event: go, target: left_b}]}
          - {name: left_b, transitions: [{event: go, target: left_a}]}
      - name: middle
        initial: middle_a
        states:
          - {name: middle_a, transitions: [{event: go, target: middle_b, guard: n >= 0}]}
          - {name: middle_b, transitions: [{event: go, target: middle_a}]}
      - name: right
        initial: right_a
        states:
          - {name: right_a, transitions: [{event: go, target: right_b, action: n = n + 1}]}
          - {name: right_b, transitions: [{event: go, target: right_a}]}
"""
HISTORY: Final = """
statechart:
  name: history
  root state:
    name: root
    initial: work
    states:
      - name: work
        initial: phase
        on entry: entered = entered + 1
        on exit: left = left + 1
        transitions: [{event: leave, target: away}]
        states:
          - {name: recall, type: deep history, memory: phase}
          - name: phase
            initial: task
            on entry: entered = entered + 1
            on exit: left = left + 1
            states:
              - name: task
                initial: first
                on entry: entered = entered + 1
                on exit: left = left + 1
                states:
                  - name: first
                    initial: x
                    on entry: entered = entered + 1
                    on exit: left = left + 1
                    transitions: [{event: shift, target: second}]
                    states:
                      - name: x
                        on entry: entered = entered + 1
                        on exit: left = left + 1
                        transitions: [{event: move, target: y}]
                      - name: y
                        on entry: entered = entered + 1
                        on exit: left = left + 1
                        transitions: [{event: move, target: z}]
                      - name: z
                        on entry: entered = entered + 1
                        on exit: left = left + 1
                        transitions: [{event: move, target: x}]
                  - name: second
                    initial: u
                    on entry: entered = entered + 1
                    on exit: left = left + 1
                    transitions: [{event: shift, target: first}]
                    states:
                      - name: u
                        on entry: entered = entered + 1
                        on exit: left = left + 1
                        transitions: [{event: move, target: v}]
                      - name: v
                        on entry: entered = entered + 1
                        on exit: left = left + 1
                        transitions: [{event: move, target: u}]
      - {name: away, transitions: [{event: back, target: recall}]}
"""
AGENT: Final = """
statechart:
  name: agent
  root state:
    name: root
    initial: idle
    states:
      - name: idle
        transitions:
          - event: asked
            target: turn
            action: |
              question, answer, observation = event.question, '', ''
              tool_calls, attempts = 0, 0
      - name: turn
        initial: planning
        transitions: [{event: cancelled, target: idle}]
        states:
          - name: planning
            transitions:
              - {event: plan_answer, target: done, action: answer = event.text}
              - event: plan_tool
                target: executing
                action: |
                  tool, tool_calls, attempts = event.tool, tool_calls + 1, 1
              - {event: plan_question, target: asking}
          - name: executing
            initial: calling
            states:
              - name: calling
                transitions:
                  - {event: tool_succeeded, target: planning, action: observation = event.result}
                  - {event: tool_failed, target: resting, guard: attempts < 3}
                  - {event: tool_failed, target: planning, priority: low, action: observation = event.reason}
              - name: resting
                transitions: [{event: retry, target: calling, action: attempts = attempts + 1}]
          - name: asking
            transitions: [{event: replied, target: planning, action: observation = event.text}]
      - {name: done, transitions: [{event: acknowledged, target: idle}]}
"""


class Interpreters:
    """A statechart, and interpreters of it."""

    def __init__(self, text: str, context: dict[str, Any], events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        self._statechart = import_from_yaml(text)
        self._context = context
        self._events = [Event(event, **data) for event, data in events]

    def create(self) -> Interpreter:
        """Make an interpreter; its first step enters the initial states."""
        interpreter = Interpreter(self._statechart, initial_context=self._context, ignore_contract=True)
        interpreter.execute_once()
        return interpreter

    def send(self, interpreter: Interpreter, number: int) -> Interpreter:
        """Queue one event and step."""
        interpreter.queue(self._events[number]).execute_once()
        return interpreter

    def drive(self, interpreter: Interpreter, times: int) -> Interpreter:
        """Queue and step all events."""
        events = self._events
        for _ in range(times):
            for event in events:
                interpreter.queue(event).execute_once()
        return interpreter

    def look(self, interpreter: Interpreter) -> Sight:
        """Name the leaves."""
        return self._statechart.leaf_for(interpreter.configuration), interpreter.context

    def save(self, interpreter: Interpreter) -> bytes:
        """Write what an interpreter holds. Its documentation has pickle alone, which takes much longer."""
        return orjson.dumps(
            (list(interpreter._configuration), interpreter.context, interpreter._memory)  # noqa: SLF001
        )

    def load(self, saved: bytes) -> Interpreter:
        """Make an interpreter and put that into it, as its users do."""
        configuration, context, memory = orjson.loads(saved)
        interpreter = Interpreter(self._statechart, initial_context=context, ignore_contract=True)
        interpreter._initialized = True  # noqa: SLF001
        interpreter._configuration = set(configuration)  # noqa: SLF001
        interpreter._memory = memory  # noqa: SLF001
        interpreter._entry_time = dict.fromkeys(configuration, 0.0)  # noqa: SLF001
        interpreter._idle_time = dict.fromkeys(configuration, 0.0)  # noqa: SLF001
        return interpreter


def _interpreters(text: str, **context: Any) -> Make:
    return partial(Interpreters, text, context)


MACHINES: Final[dict[str, Make | str]] = {
    "ring": _interpreters(RING),
    "parallel": _interpreters(PARALLEL, n=0),
    "history": _interpreters(HISTORY, entered=0, left=0),
    "agent": _interpreters(AGENT, question="", answer="", tool="", observation="", tool_calls=0, attempts=0),
}

if __name__ == "__main__":
    run(f"sismic {version('sismic')}", MACHINES)
