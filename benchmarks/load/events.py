"""Events of about 450 bytes for a fixed number of incidents; the seed decides everything."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from benchmarks.peers.incident import INITIAL, State, step

EVENT_BYTES: Final = 450
_BEGAN: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_WORDS: Final = (
    "the disk of the mail server is full again and the queue grows",
    "the certificate of the login page expires tonight",
    "half of the office has no network since the switch was replaced",
    "the nightly export stopped at the third table without an error",
)
_TEXTS: Final = tuple(
    " ".join(_WORDS[(first + offset) % len(_WORDS)] for offset in range(len(_WORDS))).encode()
    for first in range(len(_WORDS))
)
_END: Final = b'"}}'
# What may happen to an incident, by state, with weights. Incidents are reopened, never closed: their number stays.
_LIFE: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "new": (("reported", 1),),
    "open.waiting": (("acknowledged", 55), ("noted", 25), ("reprioritized", 20)),
    "open.working": (("noted", 52), ("escalated", 8), ("resolved", 25), ("reprioritized", 15)),
    "open.escalated": (("acknowledged", 60), ("noted", 30), ("resolved", 10)),
    "resolved": (("reopened", 1),),
}
_CHOICES: Final = {
    state: ([type_ for type_, _ in life], list(itertools.accumulate(weight for _, weight in life)))
    for state, life in _LIFE.items()
}


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent in structured JSON, and the key of the incident that it is for."""

    key: str
    id: str
    type: str
    document: bytes


def births(seed: int, instances: int) -> Iterator[Event]:
    """Give the first event of each of `instances` incidents."""
    for which in range(instances):
        yield make_event(key_of(seed, which), seed, which, "reported", {"severity": 1 + which % 5})


def incident_events(seed: int, events: int, instances: int, *, born: bool = False, skip: int = 0) -> Iterator[Event]:
    """Give `events` events for `instances` incidents, drawn evenly; each is one that its incident then handles.

    Another seed gives other incidents, ids and sources, so that nothing of an earlier round is met again.

    Args:
        seed: decides everything.
        events: how many.
        instances: how many incidents there are to draw from.
        born: the incidents have the events of `births` behind them.
        skip: leave out so many at the beginning: the same incidents go on where an earlier call ended.
    """
    chance = random.Random(seed)
    unmet = INITIAL | {"at": "open.waiting"} if born else INITIAL
    first = instances if born else 0
    states: dict[int, State] = {}
    for number in range(first, first + skip + events):
        which = chance.randrange(instances)
        state = states.get(which, unmet)
        types, weights = _CHOICES[state["at"]]
        type_ = chance.choices(types, cum_weights=weights)[0]
        data = {"severity": chance.randint(1, 5)} if type_ in {"reported", "reprioritized"} else {}
        after = step(state, "", type_, data)
        assert after is not None, f"{type_} is not handled in {state['at']}"  # noqa: S101 - only our own bug breaks it
        states[which] = after
        if number >= first + skip:
            yield make_event(key_of(seed, which), seed, number, type_, data)


def key_of(seed: int, which: int) -> str:
    """Name an incident."""
    return f"inc-{seed}-{which:07d}"


def make_event(key: str, seed: int, number: int, type_: str, data: dict[str, Any]) -> Event:
    """Make one event; a text in its data brings it to `EVENT_BYTES`."""
    id_ = f"{seed:x}-{number:010d}"
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": f"bench/{seed}",
        "type": type_,
        "subject": key,
        "time": (_BEGAN + timedelta(milliseconds=200 * number)).isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "foliotmachine": "incident",
        "data": {**data, "text": ""},
    }
    short = orjson.dumps(document)
    text = _TEXTS[number % len(_TEXTS)][: max(0, EVENT_BYTES - len(short))]
    return Event(key, id_, type_, short[: -len(_END)] + text + _END)
