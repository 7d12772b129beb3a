"""How each program measures its engine: first what its instances do, then operations and the CPU that they take.

python -m benchmarks.peers.engines.with_transitions ring [--seconds 0.5] [--alive 200]
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

Instance: TypeAlias = Any
"""Whatever an engine holds of one instance."""
Sight: TypeAlias = tuple[Sequence[str], Mapping[str, Any]]
"""The active leaf states by their last names, and the context."""
EVENTS: Final[Mapping[str, Sequence[tuple[str, dict[str, Any]]]]] = json.loads(
    Path(__file__).with_name("events.json").read_bytes()
)
"""By machine, events that lead it once around: name and data of each."""


class Machine(Protocol):
    """A machine made ready to run by an engine, and its events in the form that the engine takes."""

    def create(self) -> Instance:
        """Make an instance that has entered its initial states."""

    def send(self, instance: Instance, number: int) -> Instance:
        """Give it the event of this number."""

    def drive(self, instance: Instance, times: int) -> Instance:
        """Give it all events in turn, so many times. The loop is the engine's own, so that no call comes between."""

    def look(self, instance: Instance) -> Sight:
        """Say where it is."""

    def save(self, instance: Instance) -> bytes:
        """Write all that it needs to go on."""

    def load(self, saved: bytes) -> Instance:
        """Make the instance that was written."""


Make: TypeAlias = Callable[[Sequence[tuple[str, dict[str, Any]]]], Machine]


def run(version: str, machines: Mapping[str, Make | str]) -> None:
    """Measure the machine that is asked for and print JSON; in place of a machine may stand why there is none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("machine", choices=tuple(EVENTS))
    parser.add_argument("--seconds", type=float, default=0.5, help="of CPU for each operation")
    parser.add_argument("--alive", type=int, default=200, help="instances whose memory is measured")
    options = parser.parse_args()
    make = machines[options.machine]
    if isinstance(make, str):
        print(json.dumps({"version": version, "missing": make}))
        return
    events = EVENTS[options.machine]
    print(json.dumps({"version": version, **measure(make(events), len(events), options.seconds, options.alive)}))


def measure(machine: Machine, events: int, seconds: float, alive: int) -> dict[str, Any]:
    """Prove what the machine does, then measure it."""
    traces = {"trace": trace(machine, events), "resumed": trace_resumed(machine, events)}
    weights = {"memory_bytes": weigh(machine, alive), "saved_bytes": len(machine.save(_moved(machine)))}
    living = machine.create()

    def step(times: int) -> int:
        machine.drive(living, times)
        return times * events

    return {**traces, **weights, **rates({"step": step, **_others(machine, events)}, seconds)}


def trace(machine: Machine, events: int) -> list[Sight]:
    """Look at a new instance, and after each event."""
    instance = machine.create()
    sights = [_sorted(machine.look(instance))]
    for number in range(events):
        instance = machine.send(instance, number)
        sights.append(_sorted(machine.look(instance)))
    return sights


def trace_resumed(machine: Machine, events: int) -> list[Sight]:
    """Look at it likewise where it is written and read again before and after each event."""
    saved = machine.save(machine.create())
    sights = [_sorted(machine.look(machine.load(saved)))]
    for number in range(events):
        saved = machine.save(machine.send(machine.load(saved), number))
        sights.append(_sorted(machine.look(machine.load(saved))))
    return sights


def weigh(machine: Machine, alive: int) -> float:
    """Give the bytes that Python allocates for an instance that took every event once, the mean of many."""
    _moved(machine)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    instances = [_moved(machine) for _ in range(alive)]
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / len(instances)
    tracemalloc.stop()
    return each


def rates(operations: Mapping[str, Callable[[int], int]], seconds: float) -> dict[str, dict[str, float]]:
    """Measure each operation, given as what does it many times and counts."""
    return {name: _rate(many, seconds) for name, many in operations.items()}


def _others(machine: Machine, events: int) -> dict[str, Callable[[int], int]]:
    def create(times: int) -> int:
        for _ in range(times):
            machine.create()
        return times

    numbers = cycle(range(events))
    saved = machine.save(machine.create())

    def resume(times: int) -> int:
        nonlocal saved
        for _ in range(times):
            saved = machine.save(machine.send(machine.load(saved), next(numbers)))
        return times

    return {"create": create, "resume": resume}


def _rate(many: Callable[[int], int], seconds: float) -> dict[str, float]:
    gc.collect()
    times = 1
    while (spent := _cpu_seconds(many, times)[1]) < seconds / 4:
        times *= 2
    count, spent = _cpu_seconds(many, math.ceil(times * seconds / spent))
    return {"operations": count, "cpu_seconds": spent}


def _cpu_seconds(many: Callable[[int], int], times: int) -> tuple[int, float]:
    began = time.process_time()
    count = many(times)
    return count, time.process_time() - began


def _moved(machine: Machine) -> Instance:
    return machine.drive(machine.create(), 1)


def _sorted(sight: Sight) -> Sight:
    leaves, context = sight
    return sorted(leaves), dict(context)
