"""`foliot watch`: steps as they are committed, line by line, until told to stop."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Final

import typer

from foliot.cli.addresses import Tenant, address, service
from foliot.cli.answers import Answer, drop_output, write_answer
from foliot.cli.instances import find_machine
from foliot.cli.publishing import Machine
from foliot.cli.wording import moment, visible
from foliot.cloudevents import address_text
from foliot.history import Followed, Follower, Landings, StepFilter, Subject, look
from foliot.runtime import shard_of
from foliot.store import StoreError, connect, end_reading

_REST_S: Final = 0.2
_TROUBLE_S: Final = 1.0
_CELL_CHARS_MAX: Final = 60


def watch(
    machine: Machine,
    key: Annotated[str, typer.Argument(help="The instance's key; none: all instances of the machine.")] = "",
    *,
    filter_: Annotated[
        str, typer.Option("--filter", help="CEL over `step` (key, type, outcome, states, data …): only such steps.")
    ] = "",
    tenant: Tenant = "",
    json: bool = False,
) -> None:
    """Show steps as they are committed, from now on, until Ctrl-C. With --json each is a line of its own."""
    wanted = StepFilter(filter_) if filter_ else None
    with service() as (connection, settings):
        catalog, entry = find_machine(connection, tenant or settings.tenant, machine)
        whole = address_text(entry.tenant_slug, entry.name, key)
        shards = [shard_of(whole, catalog.shards)] if key else list(range(catalog.shards))
        now = look(connection, shards)
    subject = Subject(entry.tenant, entry.number, key or None)
    ns = {shard: now.shards[shard].n for shard in shards}
    follower = Follower(subject, now.epoch, ns, Landings(), wanted)
    if sys.stderr.isatty():
        _note(f"watching {visible(whole if key else machine)}; Ctrl-C ends it")
    try:
        for step in _steps(address(settings, "dsn_service"), follower):
            write_answer(Answer(step.document(), (_line(step),)), as_json=json)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        drop_output()


def _steps(dsn: str, follower: Follower) -> Iterator[Followed]:
    """Give steps for ever; a connection that breaks is made anew, and nothing is missed."""
    while True:
        try:
            with closing(connect(dsn, application="foliot watch")) as connection:
                while True:
                    progress = look(connection, follower.ns)
                    end_reading(connection)
                    while follower.is_behind(progress):
                        yield from follower.read(connection, progress)
                    time.sleep(_REST_S)
        except StoreError as error:
            if not error.retryable:
                raise
            _note(f"{visible(error.refusal.what)}; trying again")
            time.sleep(_TROUBLE_S)


def _line(step: Followed) -> str:
    entry = step.entry
    words = [
        moment(entry.at),
        visible(step.key, chars_max=_CELL_CHARS_MAX),
        str(entry.position),
        entry.kind if entry.kind != "event" else entry.outcome,
        visible(entry.type, chars_max=_CELL_CHARS_MAX) or "-",
    ]
    return "  ".join(words) + (f"  -> {', '.join(step.states)}" if step.states else "")


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
