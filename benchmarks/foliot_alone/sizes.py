"""What a step of Foliot costs beside more and more states, and beside more and more active ones.

python -m benchmarks.foliot_alone.sizes [--seconds 0.5]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from benchmarks.foliot_alone.four import NOW
from benchmarks.peers.engines.measuring import rates
from foliot.definition import Definition, Limits, load
from foliot.engine import Compiled, Event, compile, start, step  # noqa: A004 - the engine's own word
from foliot.engine.memory import ENTRIES_MAX

STATES: Final = (10, 100, 1_000, 10_000)
REGIONS: Final = (1, 2, 4, 8, 16, 32)
LIMITS: Final = Limits(text_bytes_max=16_777_216, node_count_max=1_000_000)
_GROUP: Final = 9
"""Leaves of a group, which is a state as well."""
_TURNS: Final = 5
_FEW: Final = 100
_STRAYS: Final = 20_000
"""Events after which an instance of many regions has been in more configurations than a machine remembers."""


def ring(count: int) -> dict[str, Any]:
    """Make so many states in a circle, which `go` walks round."""
    return _machine({f"s{place}": {"on": {"go": f"s{(place + 1) % count}"}} for place in range(count)}, "s0")


def hierarchy(count: int) -> dict[str, Any]:
    """Make so many states in groups of ten: `turn` goes round in a group, `go` through all leaves of all groups."""
    groups = count // (_GROUP + 1)
    return _machine({f"g{place}": _group(place, (place + 1) % groups) for place in range(groups)}, "g0")


def regions(count: int) -> dict[str, Any]:
    """Make so many regions of two states: `go` moves all of them, `only.r<number>` one."""
    states = {f"r{place}": _region(place) for place in range(count)}
    return {"foliot": 1, "id": "regions", "type": "parallel", "states": states}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=0.5)
    seconds = parser.parse_args().seconds
    print(
        json.dumps(
            {
                "ring": _costs({count: (ring(count), ["go"] * count) for count in STATES}, seconds),
                "hierarchy": _costs({count: (hierarchy(count), ["go"] * count) for count in STATES}, seconds),
                "corner": _costs({count: (hierarchy(count), ["turn"] * _GROUP) for count in STATES}, seconds),
                "regions": _costs({count: (regions(count), ["go"] * 2) for count in REGIONS}, seconds),
                "strays": _costs({count: (regions(count), _strays(count, _STRAYS)) for count in REGIONS}, seconds),
                "anew": _costs(
                    {count: (regions(count), _strays(count, _FEW)) for count in REGIONS}, seconds, entries_max=0
                ),
                "making": {name: _making(make(STATES[-1])) for name, make in _LARGE.items()},
            }
        )
    )


_LARGE: Final[dict[str, Callable[[int], dict[str, Any]]]] = {"ring": ring, "hierarchy": hierarchy}


def _costs(
    machines: Mapping[int, tuple[dict[str, Any], Sequence[str]]], seconds: float, *, entries_max: int = ENTRIES_MAX
) -> dict[int, float]:
    """Measure the µs of CPU that a step of each machine takes, by their sizes, once all ways have been gone.

    They take turns, so that what else the processor is busy with meanwhile is in all of them.
    """
    drives = {}
    for size, (document, event_types) in machines.items():
        machine = compile(_read(document), entries_max=entries_max)
        events = [Event(f"e{number}", "bench", event_type, {}, None) for number, event_type in enumerate(event_types)]
        drives[size] = _driver(machine, events)
        drives[size](1)
    turns = [{size: rates({"": drive}, seconds / _TURNS)[""] for size, drive in drives.items()} for _ in range(_TURNS)]
    return {
        size: sum(turn[size]["cpu_seconds"] for turn in turns) / sum(turn[size]["operations"] for turn in turns) * 1e6
        for size in drives
    }


def _driver(machine: Compiled, events: Sequence[Event]) -> Callable[[int], int]:
    state = start(machine, events[0], NOW).state

    def drive(times: int) -> int:
        nonlocal state
        now = state
        for _ in range(times):
            for event in events:
                now = step(machine, now, event, NOW).state
        state = now
        return times * len(events)

    return drive


def _making(document: dict[str, Any]) -> dict[str, float]:
    """Measure the seconds of CPU that it takes to read and check a definition, and to compile it."""
    text = json.dumps(document)
    began = time.process_time()
    definition = load(text, filename="large.json", limits=LIMITS)
    read = time.process_time()
    compile(definition)
    return {"load_s": read - began, "compile_s": time.process_time() - read}


def _read(document: dict[str, Any]) -> Definition:
    return load(json.dumps(document), filename="generated.json", limits=LIMITS)


def _machine(states: dict[str, Any], initial: str) -> dict[str, Any]:
    return {"foliot": 1, "id": "generated", "initial": initial, "states": states}


def _group(place: int, following: int) -> dict[str, Any]:
    leaves = {}
    for number in range(_GROUP):
        last = number == _GROUP - 1
        onward = f"#g{following}" if last else f"l{number + 1}"
        leaves[f"l{number}"] = {"on": {"turn": f"l{(number + 1) % _GROUP}", "go": onward}}
    return {"description": f"Group {place}.", "initial": "l0", "states": leaves}


def _region(place: int) -> dict[str, Any]:
    there, back = [{"on": {"go": target, f"only.r{place}": target}} for target in ("b", "a")]
    return {"initial": "a", "states": {"a": there, "b": back}}


def _strays(count: int, events: int) -> list[str]:
    draw = random.Random(count)
    return [f"only.r{draw.randrange(count)}" for _ in range(events)]


if __name__ == "__main__":
    main()
