"""`foliot publish`, `machines`, `versions`, `diff` and `deprecate`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import typer

from foliot import registry
from foliot.cli.addresses import OperationId, Tenant, service, whoami
from foliot.cli.answers import Answer, Table
from foliot.cli.checking import Files, diagnosed
from foliot.cli.files import read_file
from foliot.cli.snippets import tell
from foliot.languages import check

Machine: TypeAlias = Annotated[str, typer.Argument(help="The machine's name.")]
Version: TypeAlias = Annotated[int, typer.Argument(help="A version's number.", min=1)]


def publish(files: Files, *, tenant: Tenant = "") -> Answer:
    """Publish machines. All files are checked before the first is published; the same machine again changes nothing."""
    texts = {str(file): read_file(file) for file in files}
    found = [diagnostic for file, text in texts.items() for diagnostic in check(text, filename=file)]
    if any(diagnostic.severity == "error" for diagnostic in found):
        return diagnosed(found, texts)
    with service() as (connection, settings):
        published = [
            registry.publish(connection, tenant or settings.tenant, text, filename=file, by=whoami())
            for file, text in texts.items()
        ]
    lines = [
        f"{each.machine} version {each.version} {'published' if each.created else 'was there already'}"
        for each in published
    ]
    return Answer(published, (*tell(found, texts), *lines))


def machines(*, tenant: Tenant = "") -> Answer:
    """List the tenant's machines, with their channels."""
    with service() as (connection, settings):
        found = registry.list_machines(connection, tenant or settings.tenant)
    rows = tuple(
        (
            each.name,
            str(each.versions),
            str(each.newest),
            ", ".join(f"{channel.name}={channel.version}" for channel in each.channels),
        )
        for each in found
    )
    return Answer(found, (Table(("machine", "versions", "newest", "channels"), rows),))


def versions(machine: Machine, *, tenant: Tenant = "") -> Answer:
    """List the versions of a machine, with the channels that point at them."""
    with service() as (connection, settings):
        found = registry.list_versions(connection, tenant or settings.tenant, machine)
    rows = tuple(
        (
            str(each.version),
            each.hash[:12],
            _moment(each.published_at),
            each.published_by,
            ", ".join(each.channels),
            _moment(each.deprecated_at),
        )
        for each in found
    )
    return Answer(found, (Table(("version", "hash", "published", "by", "channels", "deprecated"), rows),))


def compare(machine: Machine, before: Version, after: Version, *, tenant: Tenant = "") -> Answer:
    """Tell what differs between two versions of a machine: states, transitions, events and the context's schema."""
    with service() as (connection, settings):
        owner = tenant or settings.tenant
        texts = [registry.show_version(connection, owner, machine, version) for version in (before, after)]
    found = registry.diff(texts[0].definition, texts[1].definition)
    lines = tuple(str(each) for each in found) or ("The two versions are equal.",)
    return Answer({"differences": found}, lines)


def deprecate(machine: Machine, version: Version, *, tenant: Tenant = "", operation_id: OperationId = "") -> Answer:
    """Take a version out of use. Instances that run on it go on; a channel that points at it forbids it."""
    with service() as (connection, settings):
        owner = tenant or settings.tenant
        registry.deprecate(connection, owner, machine, version, by=whoami(), operation_id=operation_id or None)
    return Answer({"machine": machine, "version": version}, (f"{machine} version {version} is deprecated",))


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")
