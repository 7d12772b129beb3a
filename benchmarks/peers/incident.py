"""The incident machine (examples/incident, version 1) written by hand: a table and a function.

What the peers run. It does less than Foliot's: no timers, no messages, no schemas. A test holds the two together.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, TypeAlias

State: TypeAlias = dict[str, Any]
"""`at` is the state's path, the rest is the incident's data: chain, seen, severity, notes, escalations."""

INITIAL: Final[State] = {"at": "new", "chain": "", "seen": 0, "severity": 4, "notes": 0, "escalations": 0}

# From a state, by event, to a state. Everything here counts the event in `seen` and `chain`.
TRANSITIONS: Final[dict[str, dict[str, str]]] = {
    "new": {"reported": "open.waiting"},
    "open.waiting": {
        "acknowledged": "open.working",
        "noted": "open.waiting",
        "reprioritized": "open.waiting",
        "resolved": "resolved",
    },
    "open.working": {
        "escalated": "open.escalated",
        "noted": "open.working",
        "reprioritized": "open.working",
        "resolved": "resolved",
    },
    "open.escalated": {
        "acknowledged": "open.working",
        "noted": "open.escalated",
        "reprioritized": "open.escalated",
        "resolved": "resolved",
    },
    "resolved": {"reopened": "open.waiting", "closed": "closed"},
    "closed": {},
}


def step(state: State, event_id: str, event_type: str, data: dict[str, Any]) -> State | None:
    """Give the state after an event, or None if nothing handles it there."""
    target = TRANSITIONS[state["at"]].get(event_type)
    if target is None:
        return None
    after = state | {"at": target, "chain": _digest(state["chain"] + event_id), "seen": state["seen"] + 1}
    if event_type == "noted":
        after["notes"] += 1
    elif event_type == "escalated":
        after["escalations"] += 1
    elif event_type == "reported":
        after["severity"] = data["severity"]
    elif event_type == "reprioritized":
        if data["severity"] == 1 and state["severity"] > 1:
            after["at"] = "open.escalated"
            after["escalations"] += 1
        after["severity"] = data["severity"]
    return after


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
