"""What operators do to single events and instances: redrive a dead letter, let a held instance go on.

Each change is a function of the database, which the service role and the front role may both call: the latter for the
tenant of its session alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, ClassVar, Final

from foliot.cloudevents import address_text
from foliot.errors import FoliotError
from foliot.registry import Catalog
from foliot.runtime.acceptance import Acceptance
from foliot.runtime.addresses import SHARDS_MAX, is_urgent, shard_of
from foliot.runtime.claims import Arrival
from foliot.runtime.dead_letters import Record, SetAside
from foliot.settings import Settings
from foliot.store import Connection, Statement, commit, load, roll_back

_SQL: Final = load("repair")
_TAKE_IN: Final = load("intake")["take_in"]
DECODERS: Final = "foliot.decoders"

Decode = Callable[[bytes | None, str | None, Record, Settings, Catalog], Arrival | SetAside]
"""Raw value, headers as kept, where the record lies → what ingest would make of it today."""


class DeadLetterRefused(FoliotError):
    """A dead letter cannot be redriven as it is."""

    code: ClassVar[str] = "dead_letter_refused"
    remedy: ClassVar[str] = "Look at it (foliot dead-letters show ID), mend what is named, then redrive it."


class NotHeld(FoliotError):
    """The instance is not held."""

    code: ClassVar[str] = "not_held"
    remedy: ClassVar[str] = "Release held instances alone; foliot show tells how one stands."


def redrive(
    connection: Connection,
    catalog: Catalog,
    settings: Settings,
    id_: int,
    *,
    by: str,
    take_in: Statement = _TAKE_IN,
) -> Mapping[int, bool]:
    """Give a dead letter another chance, once: its event is accepted anew, its instance goes on, or it is sent again.

    Gives the shards to wake. Two redrives of one letter at the same time apply it once: its status is moved by
    compare-and-set in the transaction that accepts the event. `take_in` is the way in that the session's role has.

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
    if letter["stage"] == "park" and letter["status"] == "open":
        return release(connection, letter["instance"], by=by)
    try:
        if letter["stage"] == "step":
            shards = _accept_again(connection, catalog, letter, by=by)
        elif letter["stage"] == "send":
            shards = _send_again(connection, catalog, letter, by=by)
        else:
            _end(connection, letter, by=by)
            shards = _decode_again(connection, catalog, settings, letter, take_in)
        commit(connection, "redrive")
    except BaseException:
        roll_back(connection)
        raise
    return shards


def release(connection: Connection, instance: int, *, by: str) -> Mapping[int, bool]:
    """Let a held instance go on: it steps what it holds first, and runs again in the transaction that empties it.

    Raises:
        NotHeld: it is running, draining, or not there.
    """
    shard = instance % SHARDS_MAX
    try:
        row = _SQL["release"].run(connection, {"shard": shard, "id": instance, "by": by}).fetchone()
        _check_held(instance, row[0] if row else None)
        commit(connection, "release")
    except BaseException:
        roll_back(connection)
        raise
    return {shard: True}


def _check_held(instance: int, mode: str | None) -> None:
    if mode != "held":
        what = f"instance {instance} is {mode or 'not there'}"
        raise NotHeld(what, where=f"instance {instance}")


def _end(connection: Connection, letter: Mapping[str, Any], *, by: str) -> None:
    row = _SQL["end_letter"].run(connection, {"id": letter["id"], "by": by}).fetchone()
    if not (row and row[0]):
        raise _ended(letter)


def _ended(letter: Mapping[str, Any]) -> DeadLetterRefused:
    what = f"dead letter {letter['id']} was ended before"
    return DeadLetterRefused(what, where=_place(letter["id"]), remedy="Nothing is left to do.")


def _place(id_: int) -> str:
    return f"dead letter {id_}"


def _accept_again(
    connection: Connection, catalog: Catalog, letter: Mapping[str, Any], *, by: str
) -> Mapping[int, bool]:
    """Give the event a new number, past the dedupe: it was accepted before, and its letter lets it through once."""
    entry = catalog.machine(letter["tenant"], letter["machine"])
    if entry is None:
        what = f"machine {letter['machine']!r} is unknown"
        raise DeadLetterRefused(what, where=_place(letter["id"]), remedy="Publish it, then redrive.")
    shard = shard_of(address_text(entry.tenant_slug, entry.name, letter["key"]), catalog.shards)
    row = _SQL["accept_letter"].run(connection, {"id": letter["id"], "shard": shard, "by": by}).fetchone()
    if row is None or row[0] is None:
        raise _ended(letter)
    return {shard: is_urgent(row[0])}


def _send_again(connection: Connection, catalog: Catalog, letter: Mapping[str, Any], *, by: str) -> Mapping[int, bool]:
    """Give the message a new number in the outbox; its id and bytes stay."""
    if catalog.topic_tenant(letter["topic"]) not in (None, letter["tenant"]):
        raise _topic_moved(letter)
    row = _SQL["send_letter"].run(connection, {"id": letter["id"], "by": by}).fetchone()
    if not (row and row[0]):
        raise _ended(letter)
    return {}


def _topic_moved(letter: Mapping[str, Any]) -> DeadLetterRefused:
    what = f"topic {letter['topic']} belongs to another tenant now"
    return DeadLetterRefused(what, where=_place(letter["id"]), remedy="Bind the topic back, then redrive.")


def _decode_again(
    connection: Connection, catalog: Catalog, settings: Settings, letter: Mapping[str, Any], take_in: Statement
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
        raise _topic_moved(letter)
    acceptance = Acceptance(catalog, [decoded])
    [verdict] = acceptance.verdicts(take_in.run(connection, acceptance.parameters).fetchone())
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
    what, remedy = "no decoder of records is installed", 'Run in a checkout of Foliot: pip install ".[server]"'
    raise DeadLetterRefused(what, where=f"entry points {DECODERS}", remedy=remedy)
