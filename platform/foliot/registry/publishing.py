"""Machines and their versions: published after a whole check, then never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from foliot.definition import TOPIC, Definition
from foliot.engine import EngineError, Event, compile, start  # noqa: A004 - the contract's word for it
from foliot.languages import load as read_definition
from foliot.registry.changes import Call, Outcome, perform, tenant_number
from foliot.registry.entries import Channel
from foliot.registry.failures import (
    MachineNotStartable,
    UnknownMachine,
    UnknownVersion,
    VersionInUse,
    hint,
    topic_of_another,
)
from foliot.registry.names import check_slug
from foliot.registry.routing import topic_owner
from foliot.reserved import RESERVED_TOPIC
from foliot.store import Connection, load

_SQL: Final = load("registry")
FIRST_CHANNEL: Final = "stable"
_VersionRow: TypeAlias = tuple[int, str, str, datetime, datetime | None]
_TRIAL: Final = Event(id="trial", source="foliot/registry", type="trial", data=None)


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication came to; `created` is False where the very same machine was there already."""

    machine: str
    version: int
    hash: str
    created: bool


@dataclass(frozen=True, slots=True)
class MachineSummary:
    """A machine in a list."""

    name: str
    versions: int
    newest: int
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version in a list; `channels` are the names of those that point at it."""

    version: int
    hash: str
    published_by: str
    published_at: datetime
    deprecated_at: datetime | None
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionText:
    """A version whole: the machine, and the text that was published."""

    version: int
    definition: Definition
    source: str


@dataclass(frozen=True, slots=True)
class CheckedMachine:
    """A machine that may be published, as far as can be told without the registry, and the text that it comes from."""

    definition: Definition
    source: str
    filename: str


def check_machine(text: bytes | str, *, filename: str) -> CheckedMachine:
    """Look whether `text` defines a machine of which instances can be born. Takes no connection, and time.

    Raises:
        DefinitionRefused: the text is no definition; all faults are in it.
        MachineNotStartable: no instance could be born.
        RegistryError: the machine's name is none.
    """
    definition = _checked(text, filename)
    return CheckedMachine(definition, text if isinstance(text, str) else text.decode("utf-8-sig"), filename)


def publish(
    connection: Connection,
    tenant: str,
    text: bytes | str,
    *,
    filename: str,
    by: str,
    operation_id: str | None = None,
) -> Published:
    """Check a text and publish it.

    Raises:
        FoliotError: as `check_machine` and `publish_checked`.
    """
    return publish_checked(connection, tenant, check_machine(text, filename=filename), by=by, operation_id=operation_id)


def publish_checked(
    connection: Connection, tenant: str, checked: CheckedMachine, *, by: str, operation_id: str | None = None
) -> Published:
    """Add a version to the machine that was checked, unless one has the same content.

    The first publication makes the machine, and the channel `stable` at version 1; later ones move no channel.

    Raises:
        TopicBound: it sends to a topic whose events are another tenant's.
        RegistryError: as `foliot.registry.changes.perform`.
    """
    definition = checked.definition

    def act(tenant: int, revision: int) -> Outcome:
        machine, first = _find_or_make(connection, tenant, definition.id)
        hashes = {hash_: version for version, hash_, *_ in _versions(connection, tenant, machine)}
        if definition.hash in hashes:
            return Outcome(_answer(definition, hashes[definition.hash], created=False), changed=False)
        _refuse_topics_of_others(connection, tenant, definition, checked.filename)
        version = max(hashes.values(), default=0) + 1
        parameters = {
            "tenant": tenant,
            "machine": machine,
            "version": version,
            "hash": definition.hash,
            "definition": definition.canonical().decode(),
            "source": checked.source,
            "by": by,
        }
        _SQL["insert_version"].run(connection, parameters)
        if first:
            put_channel(connection, tenant, machine, Channel(FIRST_CHANNEL, revision, version))
        return Outcome(_answer(definition, version, created=True))

    request = {"machine": definition.id, "hash": definition.hash}
    return Published(**perform(connection, Call("publish", tenant, request, by, operation_id), act))


def list_machines(connection: Connection, tenant: str) -> tuple[MachineSummary, ...]:
    """Give the tenant's machines by name."""
    number = tenant_number(connection, tenant)
    channels = _channels(connection, number)
    return tuple(
        MachineSummary(name, versions, newest, channels.get(machine, ()))
        for machine, name, versions, newest in _SQL["list_machines"].run(connection, {"tenant": number})
    )


def list_versions(connection: Connection, tenant: str, machine: str) -> tuple[VersionSummary, ...]:
    """Give all versions of a machine, the first one first."""
    number = tenant_number(connection, tenant)
    machine_number = find_machine(connection, number, machine)
    channels = _channels(connection, number).get(machine_number, ())
    return tuple(
        VersionSummary(*row, channels=tuple(channel.name for channel in channels if channel.points_at(row[0])))
        for row in _versions(connection, number, machine_number)
    )


def show_version(connection: Connection, tenant: str, machine: str, version: int) -> VersionText:
    """Give one version whole.

    Raises:
        UnknownVersion: the machine has no such version.
    """
    number = tenant_number(connection, tenant)
    machine_number = find_machine(connection, number, machine)
    parameters = {"tenant": number, "machine": machine_number, "version": version}
    row = _SQL["read_version"].run(connection, parameters).fetchone()
    if row is None:
        raise _unknown_version(connection, number, machine_number, machine, version)
    return VersionText(version, Definition.from_canonical(row[0].encode()), row[1])


def deprecate(
    connection: Connection, tenant: str, machine: str, version: int, *, by: str, operation_id: str | None = None
) -> None:
    """Take a version out of use: no channel can be moved to it. Instances that run on it go on.

    Raises:
        VersionInUse: a channel points at it.
        UnknownVersion: the machine has no such version.
    """

    def act(tenant: int, _revision: int) -> Outcome:
        number = find_machine(connection, tenant, machine)
        present = find_version(connection, tenant, number, machine, version)
        using = [each.name for each in _channels(connection, tenant).get(number, ()) if each.points_at(version)]
        if using:
            raise VersionInUse(
                f"the channel {using[0]} points at version {version}",
                where=f"{machine}@{version}",
                remedy=f"Move it first: foliot channel move {machine} --channel {using[0]} --to VERSION --mode all",
            )
        if present.deprecated_at is not None:
            return Outcome({}, changed=False)
        _SQL["deprecate_version"].run(connection, {"tenant": tenant, "machine": number, "version": version})
        return Outcome({})

    perform(connection, Call("deprecate", tenant, {"machine": machine, "version": version}, by, operation_id), act)


def find_machine(connection: Connection, tenant: int, name: str) -> int:
    """Look a machine's number up.

    Raises:
        UnknownMachine: the tenant has no such machine.
    """
    numbers = _machine_numbers(connection, tenant)
    if name not in numbers:
        remedy = hint(name, numbers, UnknownMachine.remedy)
        raise UnknownMachine(f"there is no machine {name!r}", where="machine", remedy=remedy)
    return numbers[name]


def find_version(connection: Connection, tenant: int, machine: int, name: str, version: int) -> VersionSummary:
    """Look one version of a machine up, without its channels.

    Raises:
        UnknownVersion: the machine has no such version.
    """
    for row in _versions(connection, tenant, machine):
        if row[0] == version:
            return VersionSummary(*row, channels=())
    raise _unknown_version(connection, tenant, machine, name, version)


def put_channel(connection: Connection, tenant: int, machine: int, channel: Channel) -> None:
    """Write a channel in the open transaction."""
    parameters = {
        "tenant": tenant,
        "machine": machine,
        "name": channel.name,
        "revision": channel.revision,
        "version": channel.version,
        "all_revision": channel.all_revision,
        "all_version": channel.all_version,
    }
    _SQL["put_channel"].run(connection, parameters)


def channels_of(connection: Connection, tenant: int, machine: int) -> dict[str, Channel]:
    """Give the channels of a machine by name."""
    return {channel.name: channel for channel in _channels(connection, tenant).get(machine, ())}


def _checked(text: bytes | str, filename: str) -> Definition:
    definition = read_definition(text, filename=filename)
    check_slug(definition.id, "machine")
    for topic in sorted(definition.topics):
        if not TOPIC.match(topic) or RESERVED_TOPIC.match(topic):
            remedy = "Use at most 249 letters, digits, dots, _ and -, and do not begin with __, which is Kafka's own."
            raise MachineNotStartable(f"{topic[:80]!r} can't be the name of a topic", where=filename, remedy=remedy)
    service = next((state.id for state in definition.root.walk() if state.invocations), None)
    if service is not None:
        raise MachineNotStartable(
            f"the state {service!r} runs a service, and services are not there yet",
            where=filename,
            remedy="Send an event to a service of your own instead, and let it answer with an event.",
        )
    try:
        start(compile(definition), _TRIAL, 0)
    except EngineError as error:
        raise MachineNotStartable(
            f"no instance of {definition.id!r} could be born: {error.refusal.what}",
            where=f"{filename}: {error.refusal.where}" if error.refusal.where else filename,
            remedy=error.refusal.remedy,
        ) from error
    return definition


def _refuse_topics_of_others(connection: Connection, tenant: int, definition: Definition, filename: str) -> None:
    for topic in sorted(definition.topics):
        if topic_owner(connection, topic) not in {None, tenant}:
            raise topic_of_another(definition.id, topic, where=filename)


def _answer(definition: Definition, version: int, *, created: bool) -> dict[str, Any]:
    return {"machine": definition.id, "version": version, "hash": definition.hash, "created": created}


def _find_or_make(connection: Connection, tenant: int, name: str) -> tuple[int, bool]:
    numbers = _machine_numbers(connection, tenant)
    if name in numbers:
        return numbers[name], False
    row = _SQL["insert_machine"].run(connection, {"tenant": tenant, "name": name}).fetchone()
    assert row is not None, "an INSERT with RETURNING gives a row"  # noqa: S101 - only our own bug could break it
    return row[0], True


def _machine_numbers(connection: Connection, tenant: int) -> Mapping[str, int]:
    rows = _SQL["list_machines"].run(connection, {"tenant": tenant})
    return {name: number for number, name, _, _ in rows}


def _versions(connection: Connection, tenant: int, machine: int) -> list[_VersionRow]:
    return _SQL["list_versions"].run(connection, {"tenant": tenant, "machine": machine}).fetchall()


def _channels(connection: Connection, tenant: int) -> dict[int, tuple[Channel, ...]]:
    found: dict[int, tuple[Channel, ...]] = {}
    for machine, *rest in _SQL["list_channels"].run(connection, {"tenant": tenant}):
        found[machine] = (*found.get(machine, ()), Channel(*rest))
    return found


def _unknown_version(connection: Connection, tenant: int, machine: int, name: str, version: int) -> UnknownVersion:
    known = [number for number, *_ in _versions(connection, tenant, machine)]
    remedy = f"There is: {', '.join(map(str, known[-24:]))}."
    return UnknownVersion(f"machine {name!r} has no version {version}", where=f"{name}@{version}", remedy=remedy)
