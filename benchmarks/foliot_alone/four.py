"""The four machines of `make bench-engine`, run by Foliot: compiled or not, as the interpreter has it.

python -m benchmarks.foliot_alone.four ring [--seconds 0.5] [--alive 200]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.engines.measuring import EVENTS, Sight, run
from foliot.definition import load
from foliot.engine import Event, State, compile, decode, encode, start, step, stepping  # noqa: A004 - the engine's own word

NOW: Final = 1_767_225_600_000_000
_MACHINES: Final = Path(__file__).parent / "machines"


class FoliotMachine:
    """One of the four, compiled."""

    def __init__(self, name: str, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        file = _MACHINES / f"{name}.yaml"
        self._machine = compile(load(file.read_bytes(), filename=file.name))
        self._events = [
            Event(f"e{number}", "bench", event_type, data, None) for number, (event_type, data) in enumerate(events)
        ]

    def create(self) -> State:
        """Give birth to an instance."""
        return start(self._machine, self._events[0], NOW).state

    def send(self, state: State, number: int) -> State:
        """Step once."""
        return step(self._machine, state, self._events[number], NOW).state

    def drive(self, state: State, times: int) -> State:
        """Step with all events."""
        machine, events = self._machine, self._events
        for _ in range(times):
            for event in events:
                state = step(machine, state, event, NOW).state
        return state

    def look(self, state: State) -> Sight:
        """Name the leaves by the ends of their ids."""
        return [leaf.rpartition(".")[2] for leaf in state.configuration], state.context

    def save(self, state: State) -> bytes:
        """Encode the state."""
        return encode(state)

    def load(self, saved: bytes) -> State:
        """Decode it."""
        return decode(saved)


MACHINES: Final[dict[str, Callable[[Sequence[tuple[str, dict[str, Any]]]], FoliotMachine]]] = {
    name: partial(FoliotMachine, name) for name in EVENTS
}


def how_built() -> str:
    """Say whether this interpreter's engine is compiled."""
    return "plain Python" if str(stepping.__file__).endswith(".py") else "compiled"


if __name__ == "__main__":
    run(f"foliot {version('foliot')}, {how_built()}", MACHINES)
