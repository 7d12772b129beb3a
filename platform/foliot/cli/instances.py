"""`foliot show`, `foliot history` and `foliot release`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

import typer

from foliot import history as past
from foliot import registry, runtime
from foliot.cli.addresses import Tenant, service, whoami
from foliot.cli.answers import Answer, Table, View
from foliot.cli.publishing import Machine
from foliot.cli.waking import wake
from foliot.cli.wording import counted, json_text, moment, visible
from foliot.cloudevents import address_text
from foliot.store import Connection

Key: TypeAlias = Annotated[str, typer.Argument(help="The instance's key.")]
_COUNT_MAX: Final = 10_000
_CELL_CHARS_MAX: Final = 60


def show(machine: Machine, key: Key, *, tenant: Tenant = "") -> Answer:
    """Show an instance: its state, its timers, its version and why it stays there, and whether it is held."""
    with service() as (connection, settings):
        catalog, entry = find_machine(connection, tenant or settings.tenant, machine)
        view = past.show(connection, catalog, entry, key)
    view = replace(view, timers=_timers(view.timers))
    return Answer(view, _views(view))


def history(
    machine: Machine,
    key: Key,
    *,
    count: Annotated[int, typer.Option("--count", "-n", help="Steps at most.", min=1, max=_COUNT_MAX)] = 20,
    tenant: Tenant = "",
) -> Answer:
    """List the steps of an instance, the newest first."""
    with service() as (connection, settings):
        catalog, entry = find_machine(connection, tenant or settings.tenant, machine)
        view = past.show(connection, catalog, entry, key)
        steps = past.history(connection, view.shard, view.n, count=count)
    columns = ("position", "n", "kind", "outcome", "lane", "event", "type", "version", "transitions", "when")
    views: list[View] = [Table(columns, tuple(_step_row(step) for step in steps))]
    if steps and steps[-1].kind != "start":
        views.append("There are older steps; --count shows more.")
    return Answer(steps, tuple(views))


def release(machine: Machine, key: Key, *, tenant: Tenant = "") -> Answer:
    """Let a held instance go on: it steps what it holds, in order, the event that stopped it first."""
    with service() as (connection, settings):
        catalog, entry = find_machine(connection, tenant or settings.tenant, machine)
        view = past.show(connection, catalog, entry, key)
        shards = runtime.release(connection, view.id, by=whoami())
    wake(settings, shards)
    address = visible(address_text(view.tenant, view.machine, key))
    line = f"{address} goes on, with {counted(view.held, 'event')} that it holds"
    return Answer({"instance": view.id, "held": view.held, "shards": sorted(shards)}, (line,))


def find_machine(connection: Connection, tenant: str, name: str) -> tuple[registry.Catalog, registry.MachineEntry]:
    """Look a machine up by its name.

    Raises:
        UnknownTenant: there is no such tenant; the remedy names the nearest.
        UnknownMachine: the tenant has no such machine; likewise.
    """
    # The registry refuses names that it does not know; what it knows, the catalog has too.
    registry.list_channels(connection, tenant, name)
    catalog = registry.load_catalog(connection)
    entry = catalog.machine(catalog.tenants[tenant], name)
    assert entry is not None, name  # noqa: S101 - machines are never removed
    return catalog, entry


def _views(view: past.InstanceView) -> tuple[View, ...]:
    version = f"{view.version} (channel {view.channel})"
    if view.wants != view.version:
        version = f"{view.version} (channel {view.channel} wants {view.wants})"
    mode = view.mode if view.mode == "running" else f"{view.mode}, with {counted(view.held, 'event')} that it holds"
    rows = (
        ("address", visible(address_text(view.tenant, view.machine, view.key))),
        ("configuration", ", ".join(view.configuration) + (" (done)" if view.done else "")),
        ("mode", mode),
        ("version", version),
        ("note", visible(view.note)),
        ("position", f"{view.position} (n {view.n} of shard {view.shard})"),
        ("instance", str(view.id)),
        ("born", moment(view.born_at)),
        ("stepped", moment(view.stepped_at)),
    )
    views: list[View] = [Table(("what", "value"), tuple(row for row in rows if row[1]))]
    views.append(f"context\n{json_text(view.context)}")
    if view.timers:
        timers = ((id_, timer["event"], timer["due_at"], str(timer["armed"])) for id_, timer in view.timers.items())
        views.append(Table(("timer", "event", "due", "armed at"), tuple(tuple(map(visible, row)) for row in timers)))
    return tuple(views)


def _timers(timers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Add to each timer when it is due, in words; `due` stays in microseconds."""
    return {
        id_: {**timer, "due_at": moment(datetime.fromtimestamp(timer["due"] / 1_000_000, UTC))}
        for id_, timer in sorted(timers.items(), key=lambda item: (item[1]["due"], item[0]))
    }


def _step_row(step: past.JournalEntry) -> tuple[str, ...]:
    return (
        str(step.position),
        str(step.n),
        step.kind,
        step.outcome,
        step.lane or "",
        visible(step.event_id, chars_max=_CELL_CHARS_MAX),
        visible(step.type, chars_max=_CELL_CHARS_MAX),
        str(step.version),
        ",".join(map(str, step.transitions)),
        moment(step.at),
    )
