"""`foliot replay`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import typer

from foliot.cli import Answer
from foliot.cli.addresses import Tenant, address, read_settings
from foliot.cli.files import reading
from foliot.cli.progress import Progress
from foliot.cli.wording import moment, visible
from foliot.cloudevents import Event, EventRefused, KafkaRecord, Lane
from foliot.errors import FoliotError, Refusal
from foliot.producer import Producer
from foliot_ingest.lines import Report, ToSend, send_all
from foliot_ingest.replay.csv_log import read_csv
from foliot_ingest.replay.entries import ColumnFault, Columns, Entries, Entry, Fault, LogRefused, Tell
from foliot_ingest.replay.naming import Rules, event_of
from foliot_ingest.replay.pacing import Pace
from foliot_ingest.replay.xes_log import read_xes
from foliot_ingest.sending import connected_producer

_NAME: Final = "foliot-replay"
ENTRIES_MAX: Final = 2_000_000
"""A log is put in the order of time in memory, at about 1 KB an event."""
FAULTS_SHOWN: Final = 20
_XES: Final = frozenset((".xes", ".xml"))
_CSV: Final = frozenset((".csv", ".tsv", ".txt"))
_SPEED_MAX: Final = 1e9


class BadOption(FoliotError):
    """An option of `foliot replay` cannot be used."""

    code: ClassVar[str] = "bad_option"
    remedy: ClassVar[str] = "See: foliot replay --help"


@dataclass(frozen=True, slots=True)
class _Planned:
    """A record and the time at which the log has it."""

    at: datetime
    record: KafkaRecord
    id: str


@dataclass(slots=True)
class _Plan:
    """What a log came to: records, in the order of the file, and what is wrong with the rest."""

    records: list[_Planned] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    types: dict[str, set[str]] = field(default_factory=dict)

    def chosen(self, start: int, limit: int | None) -> list[_Planned]:
        """Give events by time, from the one that is `start` by number; those of one moment in the order of the file."""
        ordered = sorted(self.records, key=lambda planned: planned.at)
        return ordered[start - 1 : None if limit is None else start - 1 + limit]

    def refuse(self, fault: Fault) -> None:
        """Count a fault, and keep the first ones."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(fault)


def replay(
    log: Annotated[Path, typer.Argument(help="An event log: CSV with a line of names, or XES.")],
    *,
    machine: Annotated[str, typer.Option("--machine", help="The machine that takes the events.")],
    case: Annotated[str, typer.Option("--case", help="Column of the instance's key; usual names are found.")] = "",
    activity: Annotated[str, typer.Option("--activity", help="Column of the activity, likewise.")] = "",
    timestamp: Annotated[str, typer.Option("--timestamp", help="Column of the time, likewise.")] = "",
    timestamp_format: Annotated[
        str, typer.Option("--timestamp-format", help="As Python's strptime has it; else ISO 8601. No zone is UTC.")
    ] = "",
    data: Annotated[
        list[str] | None, typer.Option("--data", help="A column that becomes data; again for more. Else all others.")
    ] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="ACTIVITY=TYPE where the rule does not do; again for more.")
    ] = None,
    delimiter: Annotated[str, typer.Option("--delimiter", help="Between columns of CSV; else it is found out.")] = "",
    lane: Annotated[Lane, typer.Option("--lane", help="critical, high, normal or low.")] = "normal",
    speed: Annotated[
        float, typer.Option("--speed", min=0, max=_SPEED_MAX, help="Times as fast as it was; 0: as fast as it goes.")
    ] = 0.0,
    start: Annotated[int, typer.Option("--start", min=1, help="Begin with this event, by time.")] = 1,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Events at most.")] = None,
    run: Annotated[str, typer.Option("--run", help="Another name gives other ids, so that all is applied again.")] = "",
    tenant: Tenant = "",
) -> Answer:
    """Send an event log again: each line an event, each case an instance, in the order of time.

    Ids follow from the log: what was replayed before is dropped as duplicates. ER Registration becomes the type
    er_registration; numbers, true and false become values, empty cells are left away.
    """
    settings = read_settings()
    address(settings, "kafka")
    if tenant:
        settings = settings.model_copy(update={"tenant": tenant})
    columns = Columns(case, activity, timestamp, timestamp_format, None if data is None else tuple(data))
    rules = Rules(machine, lane, run, _types(type_ or ()))
    began = time.monotonic()
    with connected_producer(settings, name=_NAME) as producer:
        with reading(log):
            plan = _read(log, columns, delimiter, rules, producer)
        chosen = plan.chosen(start, limit)
        failed: list[Report] = []
        sent, failed_count = _send(producer, chosen, Pace(speed), failed)
    told = {
        "sent": sent,
        "failed": failed_count,
        "refused": plan.fault_count,
        "instances": len({planned.record.key for planned in chosen}),
        "first": chosen[0].at if chosen else None,
        "last": chosen[-1].at if chosen else None,
        "seconds": round(time.monotonic() - began, 3),
        "types": {name: sorted(activities) for name, activities in sorted(plan.types.items())},
        "faults": plan.faults,
    }
    return Answer(told, _views(told), _refusal(plan, failed, failed_count))


def _read(log: Path, columns: Columns, delimiter: str, rules: Rules, producer: Producer) -> _Plan:
    plan = _Plan()
    with Progress(f"reading {log.name}") as progress:
        for entry in _entries(log, columns, delimiter, progress.tell):
            if isinstance(entry, Fault):
                plan.refuse(entry)
                continue
            if len(plan.records) >= ENTRIES_MAX:
                remedy = "Part the log, and replay the parts one after another."
                raise LogRefused(f"the log has more than {ENTRIES_MAX} events", where=str(log), remedy=remedy)
            try:
                event, record = _written(entry, rules, producer)
            except ColumnFault as fault:
                plan.refuse(fault.at(log, entry.line))
            else:
                plan.records.append(_Planned(entry.at, record, event.id))
                plan.types.setdefault(event.type, set()).add(entry.activity)
    return plan


def _written(entry: Entry, rules: Rules, producer: Producer) -> tuple[Event, KafkaRecord]:
    event = event_of(entry, rules)
    try:
        return event, producer.record(event)
    except EventRefused as refused:
        raise ColumnFault(_column(refused.refusal.where), refused.refusal.what) from None


def _column(where: str) -> str:
    """Name the column of a log for a place in an event."""
    if where.startswith("data/"):
        return where.split("/")[1]
    return {"subject": "case", "type": "activity"}.get(where, where)


def _entries(log: Path, columns: Columns, delimiter: str, tell: Tell) -> Entries:
    suffix = log.suffix.lower()
    if suffix in _XES:
        return read_xes(log, columns, tell=tell)
    if suffix not in _CSV:
        known = ", ".join(sorted(_CSV | _XES))
        remedy = f"Give a file that ends in one of {known}; unpack one that is compressed."
        raise LogRefused(f"nobody knows what {suffix or 'no ending'} is", where=str(log), remedy=remedy)
    if len(delimiter) > 1:
        raise BadOption("the delimiter is one character", where="--delimiter", remedy="Such as --delimiter ';'.")
    return read_csv(log, columns, delimiter=delimiter, tell=tell)


def _types(pairs: Sequence[str]) -> Mapping[str, str]:
    for pair in pairs:
        if "=" not in pair:
            what = f"{pair!r} has no ="
            raise BadOption(what, where="--type", remedy="Write it as --type 'ER Registration=registered'.")
    return {activity.strip(): name.strip() for activity, _, name in (pair.rpartition("=") for pair in pairs)}


def _send(producer: Producer, planned: Sequence[_Planned], pace: Pace, failed: list[Report]) -> tuple[int, int]:
    def note(report: Report) -> None:
        if report.error is not None and len(failed) < FAULTS_SHOWN:
            failed.append(report)

    def due(progress: Progress) -> Iterator[ToSend]:
        for number, each in enumerate(planned):
            pace.wait(each.at)
            progress.tell(number, len(planned))
            yield ToSend(each.record, each.id)

    with Progress("replaying") as progress:
        return send_all(producer, due(progress), report=note)


def _views(told: Mapping[str, Any]) -> tuple[str, ...]:
    faults: Sequence[Fault] = told["faults"]
    lines = [visible(str(fault)) for fault in faults]
    if told["refused"] > len(faults):
        lines.append(f"… and {told['refused'] - len(faults)} more")
    for name, activities in told["types"].items():
        if len(activities) > 1:
            names = ", ".join(map(visible, activities))
            lines.append(f"{name} stands for {len(activities)} activities: {names}; --type parts them")
    lines.append(
        f"{told['sent']} events of {told['instances']} instances sent in {told['seconds']:.1f} s, "
        f"{told['failed']} not, {told['refused']} lines refused"
    )
    if told["first"] is not None:
        lines.append(f"from {moment(told['first'])} to {moment(told['last'])}")
    return tuple(lines)


def _refusal(plan: _Plan, failed: Sequence[Report], failed_count: int) -> Refusal | None:
    if failed_count:
        what = f"{failed_count} events were not sent; the first: {failed[0].error}"
        return Refusal(
            "not_sent", what, f"event {failed[0].line}", "Replay it again; what arrived is not applied twice."
        )
    if plan.fault_count:
        first = plan.faults[0]
        what = f"{plan.fault_count} lines are no events; the first: {first.reason}"
        return Refusal(
            "lines_refused", what, first.where, "Mend them and replay it again; the others are duplicates then."
        )
    return None
