"""What a contender makes of events that come twice, as a producer or a broker repeats them after a fault."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Batch, Contender, Setting
from benchmarks.load import Event, key_of, make_event
from benchmarks.measure import Failed
from benchmarks.peers.incident import INITIAL, step
from benchmarks.rig import Rig, stop

INCIDENTS = 100
SECONDS_MAX = 180.0
STILL_SECONDS = 4.0
_SEVERITY = 3
_LIFE = ("reported", "noted", "acknowledged", "resolved")


@dataclass(frozen=True, slots=True)
class Redelivery:
    """What became of incidents of which each had one event delivered twice."""

    incidents: int
    exact: int
    """In the state that its events, each applied once and in their order, lead to."""
    doubled: int
    """The repeated event was applied again."""
    astray: int
    """Neither: events were applied in another order, or not at all."""


def redeliver(rig: Rig, contender: Contender, setting: Setting, seed: int) -> Redelivery:
    """Deliver the events of `INCIDENTS` incidents, the second of each incident twice, and look at every incident.

    Raises:
        Failed: not all of it was applied in time.
    """
    lives = {type_: _events(seed, type_) for type_ in _LIFE}
    events = [event for type_ in _LIFE for event in lives[type_]]
    again = lives["noted"]
    place = events.index(again[-1]) + 1
    batch = _write(rig.root / f"events-{contender.name}-again.jsonl", [*events[:place], *again, *events[place:]])
    before = contender.done(rig)
    contender.fill(rig, setting, batch)
    programs = contender.start(rig, setting, batch)
    try:
        _wait_still(rig, contender, before + len(events))
    finally:
        stop(programs.values(), grace_s=20.0 if contender.whole else 1.0)
        contender.clear(rig)
    doubled = exact = 0
    for which in range(INCIDENTS):
        state = contender.state(rig, key_of(seed, which))
        doubled += state is not None and state[3] > 1
        exact += state == _expected([lives[type_][which] for type_ in _LIFE])
    return Redelivery(INCIDENTS, exact, doubled, INCIDENTS - exact - doubled)


def _events(seed: int, type_: str) -> list[Event]:
    first = _LIFE.index(type_) * INCIDENTS
    data = {"severity": _SEVERITY} if type_ == "reported" else {}
    return [make_event(key_of(seed, which), seed, first + which, type_, data) for which in range(INCIDENTS)]


def _expected(life: list[Event]) -> tuple[str, str, int, int]:
    state = INITIAL
    for event in life:
        after = step(state, event.id, event.type, {"severity": _SEVERITY})
        assert after is not None  # noqa: S101 - `_LIFE` is a life that the machine allows
        state = after
    return (state["at"], state["chain"], state["seen"], state["notes"])


def _write(file: Path, events: list[Event]) -> Batch:
    file.write_bytes(b"".join(event.document + b"\n" for event in events))
    return Batch(len(events), ("--lines", str(file)), file)


def _wait_still(rig: Rig, contender: Contender, wanted: int) -> None:
    """Wait until at least `wanted` events are applied and no more come for a while."""
    deadline, done, changed = time.monotonic() + SECONDS_MAX, 0, time.monotonic()
    while done < wanted or time.monotonic() - changed < STILL_SECONDS:
        if (now := contender.done(rig)) != done:
            done, changed = now, time.monotonic()
        if time.monotonic() > deadline:
            raise Failed(f"{contender.name}: {wanted - done} events are missing after {SECONDS_MAX:g} s")
        time.sleep(0.1)
