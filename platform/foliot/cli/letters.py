"""`foliot dead-letters list`, `show` and `redrive`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, TypeAlias

import orjson
import typer

from foliot import history, registry, runtime
from foliot.cli.addresses import service, whoami
from foliot.cli.answers import Answer, Table, View
from foliot.cli.progress import Progress
from foliot.cli.waking import wake
from foliot.cli.wording import json_text, moment, visible, visible_bytes
from foliot.errors import FoliotError, Refusal
from foliot.settings import Settings
from foliot.store import Connection, RegistryMoved, StoreUnavailable, end_reading

Code: TypeAlias = Annotated[str, typer.Option("--code", help="Only with this reason; `foliot explain` lists them.")]
Owner: TypeAlias = Annotated[
    str, typer.Option("--tenant", help="Only this tenant's; else all, those of no tenant among them.")
]
_COUNT_MAX: Final = 10_000
_SHOWN_BYTES_MAX: Final = 4096
_CELL_CHARS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one dead letter; `refusal` where it stays."""

    id: int
    refusal: Refusal | None = None

    def __str__(self) -> str:
        if self.refusal is None:
            return f"{self.id} redriven"
        said = self.refusal
        return visible(f"{self.id} refused: {said.code} at {said.where}: {said.what}. {said.remedy}")


def list_letters(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that were redriven, too.")] = False,
    code: Code = "",
    machine: Annotated[str, typer.Option("--machine", help="Only those for this machine.")] = "",
    after: Annotated[int, typer.Option("--after", help="Go on beyond this id.", min=0)] = 0,
    count: Annotated[int, typer.Option("--count", "-n", help="A page's length.", min=1, max=_COUNT_MAX)] = 50,
    tenant: Owner = "",
) -> Answer:
    """List dead letters, the oldest first: which, why, and where they came from."""
    with service() as (connection, _):
        found = history.list_dead_letters(
            connection,
            tenant=_number_of(connection, tenant),
            status=None if everything else "open",
            code=code or None,
            machine=machine or None,
            after=after,
            count=count,
        )
    following = found[-1].id if len(found) == count else None
    columns = ("id", "when", "status", "stage", "code", "where", "machine", "key", "what")
    views: list[View] = [Table(columns, tuple(_row(letter) for letter in found))] if found else ["no dead letters"]
    if following is not None:
        views.append(f"There may be more: --after {following}")
    return Answer({"dead_letters": found, "next": following}, tuple(views))


def show(id_: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> Answer:
    """Show one dead letter whole: its reason, where it came from, its headers and its bytes."""
    with service() as (connection, _):
        found = history.show_dead_letter(connection, id_)
    return Answer(_document(found), _views(found))


def redrive(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Which; or --code.")] = None,
    *,
    code: Code = "",
    limit: Annotated[int, typer.Option("--limit", help="With --code: at most.", min=1, max=_COUNT_MAX)] = 1000,
    tenant: Owner = "",
) -> Answer:
    """Give dead letters another chance, each once: what refused them must be mended before. One result a line.

    An event that has no fault today is accepted as if it came now; an instance that was parked goes on.
    """
    if bool(ids) == bool(code):
        raise typer.BadParameter("name dead letters by their ids, or all of one reason by --code")
    with service() as (connection, settings):
        chosen = list(dict.fromkeys(ids or ())) or [
            letter.id
            for letter in history.list_dead_letters(
                connection, tenant=_number_of(connection, tenant), code=code, count=limit
            )
        ]
        results = _redrive_all(connection, settings, chosen)
    refused = sum(result.refusal is not None for result in results)
    refusal = None
    if refused or len(results) < len(chosen):
        what = f"{len(chosen) - len(results) + refused} of {len(chosen)} dead letters stay as they are"
        refusal = Refusal("redrive_refused", what, "dead letters", "Mend what is named above, then redrive them again.")
    lines = tuple(str(result) for result in results) or ("no dead letters",)
    return Answer({"results": results, "redriven": len(results) - refused, "refused": refused}, lines, refusal)


def _redrive_all(connection: Connection, settings: Settings, ids: list[int]) -> list[Redriven]:
    """Redrive one after the other, each in its own transaction; without the database it ends early."""
    catalog = registry.load_catalog(connection)
    end_reading(connection)
    results: list[Redriven] = []
    shards: dict[int, bool] = {}
    with Progress("redriving") as progress:
        for id_ in ids:
            try:
                try:
                    woken = runtime.redrive(connection, catalog, settings, id_, by=whoami())
                except RegistryMoved:
                    catalog = registry.load_catalog(connection)
                    end_reading(connection)
                    woken = runtime.redrive(connection, catalog, settings, id_, by=whoami())
            except FoliotError as error:
                results.append(Redriven(id_, error.refusal))
                if isinstance(error, StoreUnavailable):
                    break
            else:
                results.append(Redriven(id_))
                shards |= {shard: shards.get(shard, False) or urgent for shard, urgent in woken.items()}
            progress.tell(len(results), len(ids))
    wake(settings, shards)
    return results


def _number_of(connection: Connection, tenant: str) -> int | None:
    """Give a tenant's number; None for all tenants."""
    if not tenant:
        return None
    registry.list_machines(connection, tenant)
    number = registry.load_catalog(connection).tenants[tenant]
    end_reading(connection)
    return number


def _row(letter: history.DeadLetter) -> tuple[str, ...]:
    cells = (letter.status, letter.stage, letter.refusal.code, letter.refusal.where, letter.machine, letter.key)
    what = visible(letter.refusal.what, chars_max=2 * _CELL_CHARS_MAX)
    return (
        str(letter.id),
        moment(letter.at),
        *(visible(cell, chars_max=_CELL_CHARS_MAX) for cell in cells),
        what,
    )


def _document(found: history.DeadLetterText) -> dict[str, Any]:
    return {
        **asdict(found.letter),
        **{name: value for name, value in asdict(found).items() if name not in {"letter", "raw", "headers", "event"}},
        "headers": _parsed(found.headers),
        "event": _parsed(found.event),
        "raw": None if found.raw is None else visible_bytes(found.raw, bytes_max=_SHOWN_BYTES_MAX),
        "raw_size": None if found.raw is None else len(found.raw),
        "raw_base64": None if found.raw is None else base64.b64encode(found.raw).decode(),
    }


def _parsed(text: str | None) -> Any:
    """Read what was kept as JSON; text that had to be escaped to be stored stays text."""
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _views(found: history.DeadLetterText) -> tuple[View, ...]:
    letter = found.letter
    facts: Mapping[str, object] = {
        "id": letter.id,
        "when": moment(letter.at),
        "status": f"{letter.status} {moment(letter.ended_at)}".rstrip(),
        "ended by": letter.ended_by,
        "stage": letter.stage,
        "code": letter.refusal.code,
        "what": letter.refusal.what,
        "where": letter.refusal.where,
        "what to do": letter.refusal.remedy,
        "tenant": letter.tenant,
        "machine": letter.machine,
        "key": letter.key,
        "instance": found.instance,
        "event": letter.event_id,
        "type": letter.type,
        "source": letter.source,
        "traceparent": letter.traceparent,
        "record": None if letter.topic is None else f"{letter.topic}[{letter.partition}]@{letter.offset}",
        "inbox": None if found.shard is None else f"shard {found.shard}, queue {found.queue}, number {found.number}",
        "attempts": letter.attempts,
        "written by": letter.worker,
    }
    rows = tuple((name, visible(str(value))) for name, value in facts.items() if value not in {None, ""})
    views: list[View] = [Table(("what", "value"), rows)]
    if found.headers is not None:
        views.append(f"Kafka key and headers\n{json_text(_parsed(found.headers))}")
    if found.event is not None:
        views.append(f"event\n{json_text(_parsed(found.event))}")
    if found.raw is not None:
        views.append(f"value ({len(found.raw)} bytes)\n{visible_bytes(found.raw, bytes_max=_SHOWN_BYTES_MAX)}")
    return tuple(views)
