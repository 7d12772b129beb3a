"""One instance in memory, for tests that read like a story."""

from __future__ import annotations

import textwrap
from typing import Any

from foliot.definition import load
from foliot.engine import Compiled, Event, Limits, State, Step, compile, start, step  # noqa: A004

NOW = 1_767_225_600_000_000
TIME = "2026-01-01T00:00:00Z"


def machine_of(text: str, limits: Limits | None = None) -> Compiled:
    """Compile the states, and what else stands at the root, of a machine with a numeric `n` in its context."""
    head = ["foliot: 1", "id: story"]
    if "context:" not in text:
        head.append("context: {initial: {n: 0, seen: ''}}")
    in_braces = text.startswith("{")
    whole = "{" + ", ".join((*head, text[1:])) if in_braces else "\n".join((*head, textwrap.dedent(text)))
    return compile(load(whole, filename="story.yaml"), limits=limits)


def event(event_type: str, data: Any = None, timer: tuple[str, int] | None = None) -> Event:
    return Event("e1", "test", event_type, data, TIME, timer)


class Session:
    def __init__(self, text: str, limits: Limits | None = None) -> None:
        self.machine = machine_of(text, limits)
        self.last: Step = start(self.machine, event("birth"), NOW)

    @property
    def state(self) -> State:
        return self.last.state

    @property
    def active(self) -> tuple[str, ...]:
        return self.last.state.configuration

    def send(self, event_type: str, data: Any = None, now: int = NOW) -> Step:
        self.last = step(self.machine, self.state, event(event_type, data), now)
        return self.last

    def fire(self, timer_id: str, now: int = NOW) -> Step:
        timer = self.state.timers[timer_id]
        self.last = step(self.machine, self.state, event(timer.event, timer.data, (timer_id, timer.armed)), now)
        return self.last
