"""Positions as callers see them: `epoch.shard.queue.number`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from foliot.api.problems import Refused
from foliot.errors import Refusal
from foliot.runtime import SHARDS_MAX
from foliot.store import QUEUES

_TEXT: Final = re.compile(r"(\d{1,9})\.(\d{1,4})\.(\d)\.(\d{1,18})", re.ASCII)


class Place(NamedTuple):
    """Where an event stands in the inbox, under a map of shards."""

    epoch: int
    shard: int
    queue: int
    number: int


def place_text(place: Place) -> str:
    """Write a position."""
    return ".".join(map(str, place))


def place_of(text: str) -> Place:
    """Read a position.

    Raises:
        Refused: it is none (`position_invalid`).
    """
    match = _TEXT.fullmatch(text)
    place = Place(*map(int, match.groups())) if match else None
    if place is None or place.shard >= SHARDS_MAX or place.queue >= QUEUES:
        remedy = "Send the position that the answer to an event had."
        raise Refused(Refusal("position_invalid", f"{text[:64]!r} is no position", "after", remedy))
    return place
