"""What the registry refuses, and how it helps with names that are not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from foliot.errors import FoliotError


class RegistryError(FoliotError):
    """The registry refused a call; nothing was changed."""

    code: ClassVar[str] = "registry_refused"
    remedy: ClassVar[str] = "Make what is missing: the tables by foliot db upgrade, a tenant by foliot tenant create."


class UnknownTenant(RegistryError):
    """There is no such tenant."""

    code: ClassVar[str] = "unknown_tenant"
    remedy: ClassVar[str] = "Make it: foliot tenant create"


class UnknownMachine(RegistryError):
    """The tenant has no such machine."""

    code: ClassVar[str] = "unknown_machine"
    remedy: ClassVar[str] = "Publish it: foliot publish FILE"


class UnknownVersion(RegistryError):
    """The machine has no such version."""

    code: ClassVar[str] = "unknown_version"
    remedy: ClassVar[str] = "Choose a version of the list: foliot versions MACHINE"


class UnknownChannel(RegistryError):
    """The machine has no such channel."""

    code: ClassVar[str] = "unknown_channel"
    remedy: ClassVar[str] = "Choose a channel of the list: foliot channel show MACHINE"


class UnknownSchema(RegistryError):
    """A route names a schema that the tenant does not have."""

    code: ClassVar[str] = "unknown_schema"
    remedy: ClassVar[str] = "Publish it: foliot schema publish"


class BadName(RegistryError):
    """A name is no slug, or no name that Kafka takes for a topic."""

    code: ClassVar[str] = "bad_name"
    remedy: ClassVar[str] = (
        "Use at most 63 lower-case letters, digits, '-' and '_', with a letter or digit at both ends."
    )


class TenantExists(RegistryError):
    """The slug is taken."""

    code: ClassVar[str] = "tenant_exists"
    remedy: ClassVar[str] = "Choose another name."


class MachineNotStartable(RegistryError):
    """The definition is well formed, but no instance of it could be born."""

    code: ClassVar[str] = "machine_not_startable"
    remedy: ClassVar[str] = "Change what the machine does when it enters its initial states."


class CheckTooCostly(RegistryError):
    """To read the definition, compile it and let an instance be born takes more than it may."""

    code: ClassVar[str] = "check_too_costly"
    remedy: ClassVar[str] = "Make the machine smaller, or have it do less when it enters its initial states."


class ChannelMoved(RegistryError):
    """Somebody else has moved the channel since the caller looked; `revision` and `version` are the present ones."""

    code: ClassVar[str] = "channel_moved"
    remedy: ClassVar[str] = "Look at it again (foliot channel show MACHINE) and expect its present revision."

    def __init__(self, what: str, *, where: str, remedy: str, revision: int, version: int) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.revision = revision
        self.version = version


class VersionDeprecated(RegistryError):
    """A deprecated version cannot get new instances."""

    code: ClassVar[str] = "version_deprecated"
    remedy: ClassVar[str] = "Choose another version: foliot versions MACHINE"


class VersionInUse(RegistryError):
    """A version cannot be deprecated while a channel points at it."""

    code: ClassVar[str] = "version_in_use"
    remedy: ClassVar[str] = "Move the channel to another version first: foliot channel move"


class TopicBound(RegistryError):
    """The topic belongs to another tenant."""

    code: ClassVar[str] = "topic_bound"
    remedy: ClassVar[str] = "Bind it to this tenant first (foliot topic bind --rebind), or send elsewhere."


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
    remedy: ClassVar[str] = "Write the route as YAML or JSON, its expressions as CEL over 'record'."


class SchemaRefused(RegistryError):
    """The text is no JSON Schema."""

    code: ClassVar[str] = "schema_refused"
    remedy: ClassVar[str] = "Write JSON Schema, draft 2020-12, as JSON."


class OperationReused(RegistryError):
    """An operation id was used before for something else."""

    code: ClassVar[str] = "operation_reused"
    remedy: ClassVar[str] = "Give every call an id of its own, and use it again only to repeat that very call."


def hint(word: str, known: Iterable[str], otherwise: str) -> str:
    """Suggest the nearest known word, or else list them where they are few, or else say `otherwise`."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"There is: {', '.join(names)}." if 0 < len(names) <= 24 else otherwise
