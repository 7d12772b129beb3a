"""Steps per CPU second of the engine alone, without encoding: `python benchmarks/engine.py [seconds for each]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from foliot.definition import load
from foliot.engine import Compiled, Event, State, compile, encode, start, step  # noqa: A004 - the engine's own word

EXAMPLES = Path(__file__).parent.parent / "examples"
NOW = 1_767_225_600_000_000
RING = """
foliot: 1
id: ring
initial: a
states:
  a: {on: {go: b}}
  b: {on: {go: c}}
  c: {on: {go: d}}
  d: {on: {go: a}}
"""
PARALLEL = """
foliot: 1
id: parallel
context: {initial: {n: 0}}
type: parallel
states:
  left:
    initial: a
    states: {a: {on: {go: b}}, b: {on: {go: a}}}
  middle:
    initial: a
    states: {a: {on: {go: {target: b, guard: context.n >= 0}}}, b: {on: {go: a}}}
  right:
    initial: a
    states: {a: {on: {go: {target: b, actions: [{assign: {n: context.n + 1}}]}}}, b: {on: {go: a}}}
"""


def main() -> None:
    """Measure each machine for some seconds and print its figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    incident = load((EXAMPLES / "incident" / "incident.v1.yaml").read_bytes(), filename="incident.v1.yaml")
    reported = Event("e0", "bench", "reported", {"severity": 3}, "2026-01-01T00:00:00Z")
    noted = [Event(f"e{number}", "bench", "noted", {}, "2026-01-01T00:00:00Z") for number in range(64)]
    moves = [
        Event(f"e{number}", "bench", event_type, {}, "2026-01-01T00:00:00Z")
        for number, event_type in enumerate(("acknowledged", "escalated", "resolved", "reopened"))
    ]
    go = [Event("e1", "bench", "go", None, None)]
    unknown = [Event("e1", "bench", "unknown", None, None)]
    for name, machine, first, events in (
        ("incident, noted", compile(incident), reported, noted),
        ("incident, its life", compile(incident), reported, moves),
        ("incident, ignored", compile(incident), reported, unknown),
        ("ring of 4", compile(load(RING, filename="ring.yaml")), go[0], go),
        ("parallel, 3 regions", compile(load(PARALLEL, filename="parallel.yaml")), go[0], go),
    ):
        state = start(machine, first, NOW).state
        state = step(machine, state, first, NOW).state
        report(name, machine, state, cycle(events), seconds)


def report(name: str, machine: Compiled, state: State, events: Iterator[Event], seconds: float) -> None:
    """Step for some CPU seconds; print steps a second, and what encoding each state would cost more."""
    batch = 5_000
    spent = 0.0
    count = 0
    while spent < seconds:
        began = time.process_time()
        for _ in range(batch):
            state = step(machine, state, next(events), NOW).state
        spent += time.process_time() - began
        count += batch
    began = time.process_time()
    for _ in range(batch):
        encode(state)
    encoding = (time.process_time() - began) / batch
    each = spent / count
    print(f"{name:22} {1 / each:>10,.0f} steps/s  {each * 1e6:6.2f} µs each, encode {encoding * 1e6:5.2f} µs more")


if __name__ == "__main__":
    main()
