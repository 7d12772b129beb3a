"""What an analysis finds, and how it is said."""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from foliot.definition import Diagnostic, Place, Places
from foliot.testing import Way, write_duration

_MOVES_MAX: Final = 20
_DATA_CHARS_MAX: Final = 80
_TOP: Final = Place(1, 1)


class Finding(NamedTuple):
    """Something that is hardly meant, at a state, or at a transition where that is no less than 0.

    `way` shows it: the shortest that was found, where there is one; `shown` says what the way leads to.
    """

    code: str
    state: str
    what: str
    remedy: str
    transition: int = -1
    way: Way | None = None
    shown: str = "Shown by"

    def diagnostic(self, file: str, places: Places) -> Diagnostic:
        """Say it as a warning."""
        known = places.transitions.get(self.transition) if self.transition >= 0 else None
        place = known or places.states.get(self.state) or _TOP
        what = self.what if self.way is None else f"{self.what} {self.shown}: {way_words(self.way)}."
        return Diagnostic(self.code, "warning", file, place.line, place.column, self.state, what, self.remedy)


def way_words(way: Way) -> str:
    """Write the events and waits of a way in one line."""
    words = [_part(part) for part in way.whole()]
    left_out = len(words) - _MOVES_MAX
    if left_out > 0:
        words[_MOVES_MAX // 2 : -_MOVES_MAX // 2] = [f"… {left_out} more …"]
    return ", ".join(words)


def _part(part: Way) -> str:
    move = part.move
    if move.event is None:
        waited = part.world.now - part.came_from.now
        return (
            f"({write_duration(waited)} pass)" if waited else "(it starts)" if part.before is None else "(time passes)"
        )
    if move.data is None:
        return move.event
    data = orjson.dumps(move.data, default=repr).decode()
    return f"{move.event} {data if len(data) <= _DATA_CHARS_MAX else data[:_DATA_CHARS_MAX] + '…'}"
