"""A batch in memory: events of one shard step their instances, and what must be written is collected.

Nothing here touches the database: the stepper loads before and writes after. An error of the engine parks one instance
or skips one event; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, assert_never

import orjson
import structlog

from foliot.cloudevents import address_text
from foliot.engine import (
    BETWEEN_SESSIONS,
    OUTSIDE,
    SEMANTICS,
    ArmTimer,
    CancelTimer,
    Compiled,
    EffectNotPerformable,
    EngineError,
    Event,
    Finish,
    Log,
    Send,
    Step,
    adopt,
    encode,
    start,
    step,
)
from foliot.errors import Refusal
from foliot.registry import Catalog, Channel, MachineEntry, TopicBound, topic_of_another
from foliot.runtime.addresses import instance_id, lane_of
from foliot.runtime.dead_letters import SetAside, storable
from foliot.runtime.hashing import keyed_hash
from foliot.runtime.lives import Address, Life, ShardCursor, Waiting, stepped
from foliot.runtime.transition_codes import transition_code
from foliot.store import JOURNAL_KINDS, JOURNAL_OUTCOMES, StoreError

log = structlog.get_logger(__name__)

BIRTH_CHANNEL: Final = "stable"
_NOTE_CHARS_MAX: Final = 1_000
"""Of the sentence that stands with an instance; it is written with every step."""
_EVENT: Final = JOURNAL_KINDS.index("event")
_START: Final = JOURNAL_KINDS.index("start")
_MIGRATE: Final = JOURNAL_KINDS.index("migrate")
_OUTCOME: Final = {name: number for number, name in enumerate(JOURNAL_OUTCOMES)}

Compile = Callable[[int, int], Compiled]
"""(machine, version) → the compiled machine."""


@dataclass(frozen=True, slots=True)
class Parking:
    """The event that must not be stepped, since it has ended its process or its transaction before, and why."""

    refusal: Refusal
    attempts: int


@dataclass(slots=True)
class Output:
    """What a shard's batch wants written; rows in the order of the columns of `foliot.runtime.writing`."""

    journal: list[tuple[Any, ...]] = field(default_factory=list)
    outbox: list[tuple[Any, ...]] = field(default_factory=list)
    armed: dict[tuple[int, str, int], tuple[Any, ...]] = field(default_factory=dict)
    cancelled: list[tuple[Any, ...]] = field(default_factory=list)
    held: list[Waiting] = field(default_factory=list)
    holders: list[int] = field(default_factory=list)
    unheld: list[Waiting] = field(default_factory=list)
    letters: list[SetAside] = field(default_factory=list)
    born: dict[Address, Life] = field(default_factory=dict)
    changed: dict[Address, Life] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)
    stepped: int = 0
    dropped: int = 0
    drained: int = 0


class ShardBatch:
    """Steps events of one shard, in the order given, from `lives` (which stays as it is)."""

    def __init__(
        self, cursor: ShardCursor, lives: Mapping[Address, Life], *, catalog: Catalog, compiled: Compile, now: int
    ) -> None:
        self.cursor = cursor
        self.n = cursor.n
        self.outbox_number = cursor.outbox
        self.numbers = list(cursor.numbers)
        self.output = Output()
        self._lives = lives
        self._catalog = catalog
        self._hash_of = keyed_hash(catalog.secret)
        self.now = now
        self._compile = compiled
        self._versions: dict[tuple[int, int], Compiled] = {}

    def run(self, events: Iterable[Waiting], *, parking: Parking | None = None) -> None:
        """Take every event: step it, hold it, set it aside or drop it; the cursor passes it in any case.

        With `parking` the first event is not stepped but parked.
        """
        for event in events:
            if event.holder is None:
                self.numbers[event.queue] = event.number
            self._take(event, parking)
            parking = None

    def life(self, address: Address) -> Life | None:
        """Give the instance at an address as of now."""
        return self.output.changed.get(address) or self._lives.get(address)

    def finish_draining(self, id_: int, *, left: int) -> bool:
        """Let an instance run again once nothing of it is held; tell whether it stopped draining."""
        life = next((life for life in self.output.changed.values() if life.id == id_), None)
        life = life or next((life for life in self._lives.values() if life.id == id_), None)
        if life is None or life.mode != "draining" or left:
            return life is not None and life.mode == "held"
        self.output.changed[life.address] = life._replace(mode="running", note=None)
        return True

    def _compiled(self, machine: int, version: int) -> Compiled:
        key = machine, version
        compiled = self._versions.get(key)
        if compiled is None:
            compiled = self._versions[key] = self._compile(machine, version)
        return compiled

    def _take(self, event: Waiting, parking: Parking | None) -> None:
        life = self.life(event.address)
        if event.instance is not None and (life is None or life.id != event.instance):
            self._drop(event)
        elif life is None:
            self._bear(event, parking)
        elif event.holder is None and life.mode != "running":
            self._hold(event, life)
        elif event.holder is not None and life.mode != "draining":
            return
        elif parking is not None:
            self._park(event, life, parking)
        else:
            entry = self._catalog.machine_by_number(life.address.machine)
            self._step(event, self._moved(life, event, entry), entry)

    def _bear(self, event: Waiting, parking: Parking | None) -> None:
        entry = self._catalog.machine_by_number(event.address.machine)
        channel = entry.channels.get(BIRTH_CHANNEL)
        if parking is not None:
            self._set_aside(event, parking.refusal, attempts=parking.attempts)
            return
        if channel is None:
            what = f"machine {entry.name!r} has no version on channel {BIRTH_CHANNEL!r}"
            self._set_aside(event, Refusal("no_version", what, remedy="Publish one, then redrive."))
            return
        data = _data_of(event)
        try:
            compiled = self._compiled(entry.number, channel.version)
            refusal = _unfit_to_bear(compiled, event, entry, data)
            if refusal is not None:
                self._set_aside(event, refusal)
                return
            begun = start(compiled, _engine_event(event, data), self.now)
            self._refuse_effects(begun, entry)
            encoded = encode(begun.state)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            self._set_aside(event, _failure("birth_failed", error, entry))
            return
        self.n += 1
        life = self._begin(event, channel, begun, encoded)
        self._note_effects(event, life, begun)
        self.output.born[event.address] = life
        self.output.changed[event.address] = life
        self._step(event, life, entry)

    def _begin(self, event: Waiting, channel: Channel, begun: Step, encoded: bytes) -> Life:
        shard = self.cursor.shard
        life = Life(
            shard=shard,
            id=instance_id(shard, self.n),
            address=event.address,
            channel=channel.name,
            placed=channel.revision,
            version=channel.version,
            semantics=SEMANTICS,
            n=self.n,
            mode="running",
            note=None,
            state=begun.state,
            encoded=encoded,
        )
        self._journal(life, _START, begun.outcome, None, event, full=True, transitions=begun.transitions)
        return life

    def _moved(self, life: Life, event: Waiting, entry: MachineEntry) -> Life:
        """Move a life to the version that its channel asks of live instances, or leave it and note why it cannot."""
        channel = entry.channels.get(life.channel)
        if channel is None or channel.all_revision is None or channel.all_revision <= life.placed:
            return life
        if channel.all_version is None or channel.all_version == life.version:
            return life._replace(placed=channel.all_revision, note=None)
        try:
            adopted = adopt(self._compiled(life.address.machine, channel.all_version), life.state)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - it cannot move, whatever the reason
            adopted = str(error) or type(error).__name__
        if isinstance(adopted, str):
            note = _note(f"stays on version {life.version}: cannot move to {channel.all_version}: {adopted}")
            return life if life.note == note else life._replace(note=note)
        self.n += 1
        moved = life._replace(
            placed=channel.all_revision,
            version=channel.all_version,
            n=self.n,
            note=None,
            state=adopted,
            encoded=encode(adopted),
        )
        detail = orjson.dumps({"from": life.version, "to": moved.version}).decode()
        self._journal(moved, _MIGRATE, "taken", life.n, event, full=True, detail=detail)
        self.output.changed[life.address] = moved
        return moved

    def _step(self, event: Waiting, life: Life, entry: MachineEntry) -> None:
        data = _data_of(event)
        skips = False
        try:
            compiled = self._compiled(entry.number, life.version)
            skips = compiled.definition.poison == "skip"
            wrong = compiled.validate_event(event.type, data) if event.timer is None else None
            if wrong is not None:
                self._skip(event, life, _outside_schema(event, entry, life.version, wrong))
                return
            done = step(compiled, life.state, _engine_event(event, data), self.now)
            if done.effects:
                self._refuse_effects(done, entry)
            encoded = encode(done.state)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            refusal = _failure("engine_failed", error, entry)
            if skips:
                self._skip(event, life, refusal)
            else:
                self._park(event, life, Parking(refusal, 1))
            return
        self._unhold(event)
        if done.outcome == "dropped":
            self.output.dropped += 1
            return
        self.n += 1
        after = stepped(life, self.n, SEMANTICS, done.state, encoded)
        full = life.semantics != SEMANTICS
        self._journal(after, _EVENT, done.outcome, life.n, event, full=full, transitions=done.transitions)
        self.output.stepped += 1
        if done.effects:
            self._note_effects(event, after, done)
        self.output.changed[life.address] = after

    def _refuse_effects(self, done: Step, entry: MachineEntry) -> None:
        """Refuse what cannot be done here, and messages that would be another tenant's events.

        Their topic may have been bound after the publication.

        Raises:
            EffectNotPerformable: one is for another session or a service.
            TopicBound: one is for another tenant's topic.
        """
        for effect in done.effects:
            if isinstance(effect, BETWEEN_SESSIONS):
                raise EffectNotPerformable(f"the machine asks for {type(effect).__name__}, which is not there yet")
            if isinstance(effect, Send) and self._catalog.topic_tenant(effect.topic) not in {None, entry.tenant}:
                raise topic_of_another(entry.name, effect.topic)

    def _note_effects(self, event: Waiting, life: Life, done: Step) -> None:
        for ordinal, effect in enumerate(done.effects):
            match effect:
                case Send():
                    self._send(event, life, effect)
                case ArmTimer():
                    self._arm(event, life, effect, ordinal)
                case CancelTimer():
                    if self.output.armed.pop((life.id, effect.id, effect.armed), None) is None:
                        self.output.cancelled.append((self.cursor.shard, life.id, effect.id, effect.armed))
                case Log():
                    self.output.logs.append({"instance": life.id, "key": life.address.key, "text": effect.text})
                case Finish():
                    pass  # Nobody waits for what an instance ends with: it has no invoker.
                case _ if isinstance(effect, BETWEEN_SESSIONS):
                    pass  # Refused before: see `_refuse_effects`.
                case _:
                    assert_never(effect)

    def _send(self, event: Waiting, life: Life, send: Send) -> None:
        self.outbox_number += 1
        entry = self._catalog.machine_by_number(life.address.machine)
        id_ = f"{life.id}-{life.state.position}-{send.ordinal}"
        body = {
            "specversion": "1.0",
            "id": id_,
            "source": f"foliot/{address_text(entry.tenant_slug, entry.name, life.address.key)}",
            "type": send.event,
            "subject": life.address.key,
            "time": _rfc3339(self.now),
            "datacontenttype": "application/json",
            "data": send.data,
        }
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
        self.output.outbox.append(
            (self.cursor.shard, self.outbox_number, *life.address, life.n, id_, send.topic, text, event.traceparent)
        )

    def _arm(self, event: Waiting, life: Life, timer: ArmTimer, ordinal: int) -> None:
        data = None if timer.data is None else orjson.dumps(timer.data, option=orjson.OPT_SORT_KEYS).decode()
        self.output.armed[life.id, timer.id, timer.armed] = (
            self.cursor.shard,
            life.id,
            timer.id,
            timer.armed,
            timer.due,
            ordinal,
            *life.address,
            event.queue,
            timer.event,
            data,
            event.traceparent,
        )

    def _journal(
        self,
        life: Life,
        kind: int,
        outcome: str,
        previous_n: int | None,
        event: Waiting,
        *,
        full: bool,
        transitions: tuple[int, ...] = (),
        detail: str | None = None,
    ) -> None:
        shard, id_, address, _, _, version, semantics, n, _, _, state, encoded = life
        _, queue, number, _, _, event_id, source, type_, time, data, traceparent, _, timer, armed, _ = event
        if kind != _EVENT:
            data = timer = armed = None
        # One display without stars, which would make a list first.
        self.output.journal.append(
            (
                shard,
                n,
                address.tenant,
                id_,
                state.position,
                previous_n,
                kind,
                _OUTCOME[outcome],
                version,
                semantics,
                queue,
                number,
                event_id,
                source,
                type_,
                time,
                data,
                traceparent,
                timer,
                armed,
                transition_code(transitions),
                self._hash_of(encoded),
                encoded if full else None,
                detail,
            )
        )

    def _hold(self, event: Waiting, life: Life) -> None:
        self.output.held.append(event)
        self.output.holders.append(life.id)

    def _unhold(self, event: Waiting) -> None:
        if event.holder is not None:
            self.output.unheld.append(event)
            self.output.drained += 1

    def _skip(self, event: Waiting, life: Life, refusal: Refusal) -> None:
        self._unhold(event)
        self._set_aside(event, refusal, life)

    def _drop(self, event: Waiting) -> None:
        self._unhold(event)
        self.output.dropped += 1

    def _park(self, event: Waiting, life: Life, parking: Parking) -> None:
        """Hold the instance: this event waits first of all in `held`, and a dead letter says why."""
        if event.holder is None:
            self._hold(event, life)
        note = _note(f"held: {parking.refusal.code}: {parking.refusal.what}")
        self.output.changed[life.address] = life._replace(mode="held", note=note)
        self._set_aside(event, parking.refusal, life, stage="park", attempts=parking.attempts)

    def _set_aside(
        self, event: Waiting, refusal: Refusal, life: Life | None = None, *, stage: Any = "step", attempts: int = 1
    ) -> None:
        entry = self._catalog.machine_by_number(event.address.machine)
        self.output.letters.append(
            SetAside(
                stage=stage,
                refusal=refusal,
                tenant=event.address.tenant,
                machine=entry.name,
                key=event.address.key,
                event_id=event.event_id,
                source=event.source,
                type=event.type,
                event=waiting_text(event),
                traceparent=event.traceparent,
                shard=event.shard,
                queue=event.queue,
                number=event.number,
                instance=life.id if life else None,
                attempts=attempts,
            )
        )


def waiting_text(event: Waiting) -> str:
    """Write a waiting event as canonical JSON, so that a redrive can take it in again: a timer's as the timer's."""
    document: dict[str, Any] = {
        "id": event.event_id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "lane": lane_of(event.queue),
        "data": _data_of(event),
    }
    if event.timer is not None:
        document["timer"] = [event.timer, event.armed]
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()


def _data_of(event: Waiting) -> Any:
    return None if event.data is None else orjson.loads(event.data)


def _engine_event(event: Waiting, data: Any) -> Event:
    timer = None if event.timer is None or event.armed is None else (event.timer, event.armed)
    return tuple.__new__(Event, (event.event_id, event.source, event.type, data, event.time, timer, OUTSIDE))


def _unfit_to_bear(compiled: Compiled, event: Waiting, entry: MachineEntry, data: Any) -> Refusal | None:
    if compiled.definition.create == "explicit":
        what = f"no instance {event.address.key!r}, and machine {entry.name!r} creates instances explicitly"
        return Refusal("no_instance", what, remedy="Create the instance, then redrive.")
    wrong = compiled.validate_event(event.type, data)
    version = entry.channels[BIRTH_CHANNEL].version
    return None if wrong is None else _outside_schema(event, entry, version, wrong)


def _outside_schema(event: Waiting, entry: MachineEntry, version: int, wrong: str) -> Refusal:
    what = f"data of {event.type!r} does not fit its schema in {entry.name} version {version}: {wrong}"
    return Refusal("data_outside_schema", what, "data", "Correct the producer, or publish a version that accepts it.")


def _note(text: str) -> str | None:
    cut = text if len(text) <= _NOTE_CHARS_MAX else f"{text[:_NOTE_CHARS_MAX]}…"
    return storable(cut)


def _failure(code: str, error: Exception, entry: MachineEntry) -> Refusal:
    if isinstance(error, TopicBound):
        return error.refusal
    if not isinstance(error, EngineError | RecursionError):
        log.error(code, machine=entry.name, error=str(error), exc_info=error)
    remedy = "Publish a corrected version, move the channel with mode all, then redrive."
    return Refusal(code, f"{type(error).__name__}: {error}", entry.name, remedy)


@lru_cache(maxsize=16)
def _rfc3339(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"
