"""An event that was read, and whose tenant is known, becomes an arrival: what every way in checks alike."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Final

from foliot.cloudevents import CloudEvent, refuse
from foliot.registry import Catalog, MachineEntry
from foliot.reserved import RESERVED_EVENT
from foliot.runtime.claims import Arrival, payload_hash
from foliot.runtime.dead_letters import Record

_NAME_CHARS_MAX: Final = 64


def admit(
    event: CloudEvent, machine: MachineEntry, lane: int, *, catalog: Catalog, key_bytes_max: int, record: Record | None
) -> Arrival:
    """Make an arrival; `record` is where it comes from, if it comes from Kafka.

    Raises:
        EventRefused: `type_reserved` or `key_too_long`.
    """
    if _is_reserved(event.type):
        what = f"only Foliot itself gives events of type {event.type[:200]!r}"
        refuse("type_reserved", what, "type", "Choose another type.")
    key_bytes = len(event.subject.encode())
    if key_bytes > key_bytes_max:
        what = f"the key has {key_bytes} bytes, more than {key_bytes_max}"
        refuse("key_too_long", what, "subject", "Send a shorter one, or raise FOLIOT_KEY_BYTES_MAX.")
    return Arrival(
        machine.tenant,
        machine.number,
        event.subject,
        lane,
        event.id,
        event.source,
        event.type,
        event.time,
        event.data,
        event.traceparent,
        record,
        payload_hash(catalog.secret, event.type, event.time, event.data),
    )


def find_machine(catalog: Catalog, tenant: int, name: str) -> MachineEntry:
    """Look up the machine that an event names.

    Raises:
        EventRefused: `unknown_machine`; the remedy names the nearest.
    """
    entry = catalog.machine(tenant, name)
    if entry is None:
        names = [each.name for each in catalog.machines.values() if each.tenant == tenant]
        near = difflib.get_close_matches(name[:_NAME_CHARS_MAX], names, n=1)
        hint = f"Did you mean {near[0]!r}? Else publish it, then redrive." if near else "Publish it, then redrive."
        refuse("unknown_machine", f"there is no machine {name[:_NAME_CHARS_MAX]!r}", "foliotmachine", hint)
    return entry


@lru_cache(maxsize=1024)
def _is_reserved(event_type: str) -> bool:
    return RESERVED_EVENT.match(event_type) is not None
