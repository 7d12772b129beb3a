"""The rules by which an entry of a log becomes an event."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import orjson

from foliot.cloudevents import Event, Lane, time_text
from foliot_ingest.replay.entries import ColumnFault, Entry

SOURCE: Final = "foliot/replay"
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")
_DIGEST_BYTES: Final = 8


def event_type(activity: str) -> str:
    """Make a type of an activity's name: `ER Registration` becomes `er_registration`.

    Letters become small and lose their accents; whatever is then neither a-z nor 0-9 becomes `_`, several together one,
    none at the ends. What is left of a name in another script is nothing.
    """
    plain = unicodedata.normalize("NFKD", activity).encode("ascii", "ignore").decode().lower()
    return _NO_WORD.sub("_", plain).strip("_")


@dataclass(frozen=True, slots=True)
class Rules:
    """What all events of a replay share; `types` has the types of activities that do not follow the rule."""

    machine: str
    lane: Lane = "normal"
    run: str = ""
    types: Mapping[str, str] = field(default_factory=dict)


def event_of(entry: Entry, rules: Rules) -> Event:
    """Make the event of an entry.

    The id is the entry's number and a digest of what the event says: the same file gives the same ids, in the order of
    the file, and another mapping of its columns gives others, since an id may not be used again for another payload.

    Raises:
        ColumnFault: the rule leaves nothing of the activity's name.
    """
    type_ = rules.types.get(entry.activity) or event_type(entry.activity)
    if not type_:
        raise ColumnFault("activity", f"{entry.activity[:64]!r} makes no event type; say it by --type")
    time = time_text(entry.at)
    said = orjson.dumps([rules.run, entry.case, type_, time, entry.data], option=orjson.OPT_SORT_KEYS)
    digest = blake2b(said, digest_size=_DIGEST_BYTES).hexdigest()
    return Event(
        machine=rules.machine,
        key=entry.case,
        type=type_,
        data=entry.data,
        source=SOURCE,
        id=f"{rules.run or 'log'}-{entry.number:08d}-{digest}",
        time=time,
        lane=rules.lane,
    )
