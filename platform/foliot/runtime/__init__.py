"""The batch stepper, intake and sweeps: what moves events through the database. Declares the port `Wake`."""

from foliot.runtime.acceptance import Acceptance, Position, Standing, Verdict
from foliot.runtime.addresses import (
    SHARDS_MAX,
    birth_of,
    instance_id,
    is_urgent,
    lane_of,
    queue_of,
    shard_of,
    with_work,
)
from foliot.runtime.admission import admit, find_machine
from foliot.runtime.claims import Arrival, claim_of, payload_hash
from foliot.runtime.dead_letters import Record, SetAside, insert_dead_letters
from foliot.runtime.hashing import keyed_hash
from foliot.runtime.intake import (
    OffsetMove,
    Receipt,
    event_text,
    take_in,
)
from foliot.runtime.repairs import DeadLetterRefused, NotHeld, redrive, release
from foliot.runtime.rings import RING_PERIODS_MAX, segment_seconds
from foliot.runtime.selection import BRIEF_S, brief, has_room, rest_s
from foliot.runtime.stepper import NOTHING, Stepped, Stepper
from foliot.runtime.sweeps import Swept, sweep
from foliot.runtime.transition_codes import leb128, transition_numbers
from foliot.runtime.wake import NoWake, Wake, find_wake

__all__ = [
    "BRIEF_S",
    "NOTHING",
    "RING_PERIODS_MAX",
    "SHARDS_MAX",
    "Acceptance",
    "Arrival",
    "DeadLetterRefused",
    "NoWake",
    "NotHeld",
    "OffsetMove",
    "Position",
    "Receipt",
    "Record",
    "SetAside",
    "Standing",
    "Stepped",
    "Stepper",
    "Swept",
    "Verdict",
    "Wake",
    "admit",
    "birth_of",
    "brief",
    "claim_of",
    "event_text",
    "find_machine",
    "find_wake",
    "has_room",
    "insert_dead_letters",
    "instance_id",
    "is_urgent",
    "keyed_hash",
    "lane_of",
    "leb128",
    "payload_hash",
    "queue_of",
    "redrive",
    "release",
    "rest_s",
    "segment_seconds",
    "shard_of",
    "sweep",
    "take_in",
    "transition_numbers",
    "with_work",
]
