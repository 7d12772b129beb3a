"""What the registry refuses, and how it helps with names that are not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from foliot.errors import FoliotError


class RegistryError(FoliotError):
    """The registry refused a call; nothing was changed."""

    code: ClassVar[str] = "registry_refused"


class UnknownTenant(RegistryError):
    """There is no such tenant."""

    code: ClassVar[str] = "unknown_tenant"


class UnknownMachine(RegistryError):
    """The tenant has no such machine."""

    code: ClassVar[str] = "unknown_machine"


class UnknownVersion(RegistryError):
    """The machine has no such version."""

    code: ClassVar[str] = "unknown_version"


class UnknownChannel(RegistryError):
    """The machine has no such channel."""

    code: ClassVar[str] = "unknown_channel"


class UnknownSchema(RegistryError):
    """A route names a schema that the tenant does not have."""

    code: ClassVar[str] = "unknown_schema"


class BadName(RegistryError):
    """A name is no slug, or no name that Kafka takes for a topic."""

    code: ClassVar[str] = "bad_name"


class TenantExists(RegistryError):
    """The slug is taken."""

    code: ClassVar[str] = "tenant_exists"


class MachineNotStartable(RegistryError):
    """The definition is well formed, but no instance of it could be born."""

    code: ClassVar[str] = "machine_not_startable"


class ChannelMoved(RegistryError):
    """Somebody else has moved the channel since the caller looked; `revision` and `version` are the present ones."""

    code: ClassVar[str] = "channel_moved"

    def __init__(self, what: str, *, where: str, remedy: str, revision: int, version: int) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.revision = revision
        self.version = version


class VersionDeprecated(RegistryError):
    """A deprecated version cannot get new instances."""

    code: ClassVar[str] = "version_deprecated"


class VersionInUse(RegistryError):
    """A version cannot be deprecated while a channel points at it."""

    code: ClassVar[str] = "version_in_use"


class TopicBound(RegistryError):
    """The topic belongs to another tenant."""

    code: ClassVar[str] = "topic_bound"


def topic_of_another(machine: str, topic: str, where: str = "") -> TopicBound:
    """Say that a machine sends to a topic whose events are another tenant's."""
    return TopicBound(
        f"{machine!r} sends to topic {topic!r}, whose events are another tenant's",
        where=where or machine,
        remedy="Send elsewhere: publish a version that does; for what is parked, move its channel to it with mode all, "
        "then redrive.",
    )


class RouteRefused(RegistryError):
    """The text is no route; the message has all that is wrong with it."""

    code: ClassVar[str] = "route_refused"


class SchemaRefused(RegistryError):
    """The text is no JSON Schema."""

    code: ClassVar[str] = "schema_refused"


class OperationReused(RegistryError):
    """An operation id was used before for something else."""

    code: ClassVar[str] = "operation_reused"


def hint(word: str, known: Iterable[str], otherwise: str) -> str:
    """Suggest the nearest known word, or else list them where they are few, or else say `otherwise`."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"There is: {', '.join(names)}." if 0 < len(names) <= 24 else otherwise
