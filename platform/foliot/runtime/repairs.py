"""What operators do to single events and instances: redrive a dead letter, let a held instance go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, ClassVar, Final

import orjson

from foliot.cloudevents import address_text
from foliot.errors import FoliotError
from foliot.registry import Catalog
from foliot.runtime.acceptance import Acceptance
from foliot.runtime.addresses import SHARDS_MAX, is_urgent, queue_of, shard_of
from foliot.runtime.batch import ShardBatch
from foliot.runtime.claims import Arrival
from foliot.runtime.dead_letters import Record, SetAside
from foliot.runtime.inbox import fill_inbox
from foliot.runtime.lives import Life, ShardCursor, life_of
from foliot.runtime.writing import write_and_commit
from foliot.settings import Settings
from foliot.store import KIND_EVENT, KIND_TIMER, Connection, commit, load, roll_back

_SQL: Final = load("repair")
_INTAKE: Final = load("intake")
_STEP: Final = load("step")
DECODERS: Final = "foliot.decoders"

Decode = Callable[[bytes | None, str | None, Record, Settings, Catalog], Arrival | SetAside]
"""Raw value, headers as kept, where the record lies → what ingest would make of it today."""


class DeadLetterRefused(FoliotError):
    """A dead letter cannot be redriven as it is."""

    code: ClassVar[str] = "dead_letter_refused"


class NotHeld(FoliotError):
    """The instance is not held."""

    code: ClassVar[str] = "not_held"


def redrive(connection: Connection, catalog: Catalog, settings: Settings, id_: int, *, by: str) -> Mapping[int, bool]:
    """Give a dead letter another chance, once: its event is accepted anew, or its held instance goes on.

    Gives the shards to wake. Two redrives of one letter at the same time apply it once: its status is moved by
    compare-and-set in the transaction that accepts the event.

    Raises:
        DeadLetterRefused: there is no such open letter, or it would be refused again; nothing was changed.
        RegistryMoved: the catalog is not the present one; nothing was changed.
    """
    row = _SQL["read_dead_letter"].run(connection, {"id": id_})
    names = [column.name for column in row.description or ()]
    found = row.fetchone()
    if found is None:
        roll_back(connection)
        raise DeadLetterRefused(f"no dead letter {id_}", where=_place(id_), remedy="See: foliot dead-letters list")
    letter = dict(zip(names, found, strict=True))
    try:
        if letter["stage"] == "park" and letter["status"] == "open":
            return release(connection, catalog, letter["instance"], by=by)
        _end(connection, letter)
        if letter["stage"] == "step":
            shards = _accept_again(connection, catalog, letter)
        else:
            shards = _decode_again(connection, catalog, settings, letter)
        commit(connection, "redrive")
    except BaseException:
        roll_back(connection)
        raise
    return shards


def release(connection: Connection, catalog: Catalog, instance: int, *, by: str) -> Mapping[int, bool]:
    """Let a held instance go on: it steps what it holds first, and runs again in the transaction that empties it.

    Raises:
        NotHeld: it is running, draining, or not there.
    """
    shard = instance % SHARDS_MAX
    try:
        cursor, life = _lock_held(connection, shard, instance)
        batch = ShardBatch(cursor, {}, catalog=catalog, compiled=_never_compiled, now=0)
        batch.output.changed[life.address] = life._replace(mode="draining")
        heads: dict[int, list[int]] = dict(_STEP["read_heads"].run(connection, {"shards": [shard]}).fetchall())
        _SQL["end_parked"].run(connection, {"instance": instance})
        write_and_commit(connection, [batch], heads, name="release", writer=f"release by {by}", draining={shard})
    except BaseException:
        roll_back(connection)
        raise
    return {shard: True}


def _never_compiled(machine: int, version: int) -> Any:
    raise AssertionError((machine, version))


def _end(connection: Connection, letter: Mapping[str, Any]) -> None:
    ended = _SQL["end_dead_letter"].run(connection, {"id": letter["id"], "status": "redriven"})
    if ended.rowcount != 1:
        what = f"dead letter {letter['id']} was ended before"
        raise DeadLetterRefused(what, where=_place(letter["id"]), remedy="Nothing is left to do.")


def _place(id_: int) -> str:
    return f"dead letter {id_}"


def _lock_held(connection: Connection, shard: int, instance: int) -> tuple[ShardCursor, Life]:
    row = _SQL["wait_for_cursor"].run(connection, {"shard": shard}).fetchone()
    found = _SQL["load_life"].run(connection, {"shard": shard, "id": instance}).fetchone()
    life = None if found is None else life_of(found)
    if row is None or life is None or life.mode != "held":
        mode = life.mode if life else "not there"
        remedy = "Only a held instance can be released."
        raise NotHeld(f"instance {instance} is {mode}", where=f"instance {instance}", remedy=remedy)
    _, numbers, n, batch, outbox, token, draining = row
    return ShardCursor(shard, tuple(numbers), n, batch, outbox, bytes(token), draining), life


def _accept_again(connection: Connection, catalog: Catalog, letter: Mapping[str, Any]) -> Mapping[int, bool]:
    """Give the event a new number, past the dedupe: it was accepted before, and its letter lets it through once."""
    entry = catalog.machine(letter["tenant"], letter["machine"])
    if entry is None:
        what = f"machine {letter['machine']!r} is unknown"
        raise DeadLetterRefused(what, where=_place(letter["id"]), remedy="Publish it, then redrive.")
    event = orjson.loads(letter["event"])
    shard = shard_of(address_text(entry.tenant_slug, entry.name, letter["key"]), catalog.shards)
    _, numbers, segment = _INTAKE["lock_heads"].run(connection, {"shards": [shard]}).fetchall()[0]
    queue = queue_of(event["lane"])
    numbers[queue] += 1
    data = None if event["data"] is None else orjson.dumps(event["data"], option=orjson.OPT_SORT_KEYS).decode()
    timer, armed = event.get("timer", (None, None))
    kind, instance = (KIND_EVENT, None) if timer is None else (KIND_TIMER, letter["instance"])
    row = (
        *(segment, shard, queue, numbers[queue], letter["tenant"], entry.number, letter["key"], kind, event["id"]),
        *(event["source"], event["type"], event["time"], data, letter["traceparent"], instance, timer, armed),
    )
    fill_inbox(connection, [row], {shard: numbers})
    return {shard: is_urgent(queue)}


def _decode_again(
    connection: Connection, catalog: Catalog, settings: Settings, letter: Mapping[str, Any]
) -> Mapping[int, bool]:
    if letter["code"] == "id_reused":
        raise _id_reused(letter)
    record = Record(letter["topic_id"], letter["topic"], letter["partition"], letter["offset"])
    decoded = _decoder()(letter["raw"], letter["headers"], record, settings, catalog)
    if isinstance(decoded, SetAside):
        refusal = decoded.refusal
        raise DeadLetterRefused(
            f"it would be refused again: {refusal.code}: {refusal.what}", where=refusal.where, remedy=refusal.remedy
        )
    # A record that was refused for the tenant that it names goes to none but that one.
    if letter["code"] != "tenant_mismatch" and letter["tenant"] not in (None, decoded.tenant):
        what = f"topic {letter['topic']} belongs to another tenant now"
        raise DeadLetterRefused(what, where=_place(letter["id"]), remedy="Bind the topic back, then redrive.")
    acceptance = Acceptance(catalog, [decoded])
    [verdict] = acceptance.verdicts(_INTAKE["take_in"].run(connection, acceptance.parameters).fetchone())
    if verdict.standing == "id_reused":
        raise _id_reused(letter)
    position = verdict.position
    return {} if position is None else {position.shard: is_urgent(position.queue)}


def _id_reused(letter: Mapping[str, Any]) -> DeadLetterRefused:
    what = "its id was accepted before with another payload"
    return DeadLetterRefused(what, where=_place(letter["id"]), remedy="Send the event again with an id of its own.")


def _decoder() -> Decode:
    for entry in entry_points(group=DECODERS):
        made: Decode = entry.load()
        return made
    what = "no decoder of records is installed"
    raise DeadLetterRefused(what, where=f"entry points {DECODERS}", remedy='Run: pip install "foliot[server]"')
