"""Channels, moved by compare-and-set."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Final, Literal, TypeAlias

from foliot.registry.changes import Call, Outcome, perform, tenant_number
from foliot.registry.entries import Channel
from foliot.registry.failures import ChannelMoved, UnknownChannel, VersionDeprecated, hint
from foliot.registry.names import check_slug
from foliot.registry.publishing import channels_of, find_machine, find_version, put_channel
from foliot.store import Connection

Mode: TypeAlias = Literal["new", "all"]
NO_REVISION: Final = 0
"""What a caller expects of a channel that is to be made."""


def list_channels(connection: Connection, tenant: str, machine: str) -> tuple[Channel, ...]:
    """Give the channels of a machine by name."""
    number = tenant_number(connection, tenant)
    return tuple(channels_of(connection, number, find_machine(connection, number, machine)).values())


def move_channel(
    connection: Connection,
    tenant: str,
    machine: str,
    channel: str,
    version: int,
    *,
    mode: Mode,
    expected_revision: int | None,
    operation_id: str | None,
    by: str,
) -> Channel:
    """Point a channel at a version: for births (`new`), or for each live instance too, at its next event (`all`).

    `expected_revision` is the channel's revision that the caller has seen: 0 to make a new channel, None to move it
    whatever it is.

    Raises:
        ChannelMoved: the channel has another revision; the error has the present one and its version.
        UnknownChannel: there is none of that name, and none was to be made.
        VersionDeprecated: the version was taken out of use.
        RegistryError: as `foliot.registry.changes.perform`.
    """
    check_slug(channel, "channel")

    def act(tenant: int, revision: int) -> Outcome:
        number = find_machine(connection, tenant, machine)
        target = find_version(connection, tenant, number, machine, version)
        if target.deprecated_at is not None:
            raise VersionDeprecated(
                f"version {version} is deprecated",
                where=f"{machine}@{version}",
                remedy=f"Choose another: foliot versions {machine}",
            )
        present = _compared(channels_of(connection, tenant, number), machine, channel, expected_revision)
        if mode == "all":
            moved = Channel(channel, revision, version, all_revision=revision, all_version=version)
        elif present is None:
            moved = Channel(channel, revision, version)
        else:
            moved = replace(present, revision=revision, version=version)
        put_channel(connection, tenant, number, moved)
        return Outcome(asdict(moved))

    request = {
        "machine": machine,
        "channel": channel,
        "version": version,
        "mode": mode,
        "expected_revision": expected_revision,
    }
    return Channel(**perform(connection, Call("move_channel", tenant, request, by, operation_id), act))


def _compared(channels: dict[str, Channel], machine: str, name: str, expected_revision: int | None) -> Channel | None:
    present = channels.get(name)
    if present is None:
        if expected_revision == NO_REVISION:
            return None
        known = hint(name, channels, "")
        raise UnknownChannel(
            f"machine {machine!r} has no channel {name!r}",
            where="channel",
            remedy=f"{known} To make a new channel, expect revision {NO_REVISION} of it (--expect {NO_REVISION}).",
        )
    if expected_revision not in {None, present.revision}:
        raise ChannelMoved(
            f"the channel is at revision {present.revision} (version {present.version}), "
            f"not at revision {expected_revision}",
            where=f"{machine}/{name}",
            remedy=f"Look at it again (foliot channel show {machine}) and expect revision {present.revision}.",
            revision=present.revision,
            version=present.version,
        )
    return present
