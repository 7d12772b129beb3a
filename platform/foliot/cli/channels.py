"""`foliot channel show` and `foliot channel move`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from foliot import registry
from foliot.cli.addresses import OperationId, Tenant, service, whoami
from foliot.cli.answers import Answer, Table
from foliot.cli.publishing import Machine
from foliot.store import end_reading


class Mode(StrEnum):
    """Whom a move concerns."""

    NEW = "new"
    ALL = "all"


def show(machine: Machine, *, tenant: Tenant = "") -> Answer:
    """Show the channels of a machine, with the revisions to expect in a move."""
    with service() as (connection, settings):
        found = registry.list_channels(connection, tenant or settings.tenant, machine)
    return Answer(found, (_table(found),))


def move(
    machine: Machine,
    *,
    to: Annotated[int | None, typer.Option("--to", help="The version; else the newest.", min=1)] = None,
    mode: Annotated[Mode, typer.Option("--mode", help="new: for new instances; all: for live ones too.")] = Mode.NEW,
    channel: Annotated[str, typer.Option("--channel")] = registry.FIRST_CHANNEL,
    expect: Annotated[
        int | None, typer.Option("--expect", help="The revision you have seen; 0 makes a new channel.", min=0)
    ] = None,
    tenant: Tenant = "",
    operation_id: OperationId = "",
) -> Answer:
    """Point a channel at a version. With --expect it is moved only if nobody else has moved it meanwhile."""
    with service() as (connection, settings):
        owner = tenant or settings.tenant
        if to is None:
            to = registry.list_versions(connection, owner, machine)[-1].version
            end_reading(connection)
        moved = registry.move_channel(
            connection,
            owner,
            machine,
            channel,
            to,
            mode=mode.value,
            expected_revision=expect,
            operation_id=operation_id or None,
            by=whoami(),
        )
    return Answer(moved, (_table((moved,)),))


def _table(channels: tuple[registry.Channel, ...]) -> Table:
    rows = tuple(
        (
            each.name,
            str(each.version),
            str(each.revision),
            "" if each.all_version is None else str(each.all_version),
            "" if each.all_revision is None else str(each.all_revision),
        )
        for each in channels
    )
    return Table(("channel", "version", "revision", "all version", "all revision"), rows)
