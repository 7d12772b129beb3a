"""`foliot send` and `foliot topics`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import orjson
import typer

from foliot.cli import Answer
from foliot.cli.addresses import Tenant, address, read_settings
from foliot.cli.files import make_file, open_file
from foliot.cli.progress import Progress
from foliot.cloudevents import Event, Lane, Limits
from foliot.errors import Refusal
from foliot.producer import Producer
from foliot.settings import Settings
from foliot_ingest.kafka_clients import security
from foliot_ingest.lines import SOURCE, LineRefused, Report, ToSend, read_line, send_all
from foliot_ingest.topics import make_topics, own_topics

_NAME: Final = "foliot-send"
_DELIVERY_S_MAX: Final = 60.0


def topics() -> Answer:
    """Make the lane topics and the changes topic where they are missing; calling it again does nothing."""
    settings = read_settings()
    address(settings, "kafka")
    wanted = own_topics(settings)
    made = make_topics(settings, wanted, name="foliot-topics")
    lines = tuple(f"{topic} {'made' if topic in made else 'was there already'}" for topic in wanted)
    return Answer({"topics": wanted, "made": made}, lines)


def send(
    machine: Annotated[str, typer.Argument(help="The machine's name.")] = "",
    key: Annotated[str, typer.Argument(help="The instance's key.")] = "",
    event_type: Annotated[str, typer.Argument(metavar="TYPE", help="The event's type.")] = "",
    *,
    data: Annotated[str, typer.Option("--data", help="The event's data, as JSON.")] = "",
    lane: Annotated[Lane, typer.Option("--lane", help="critical, high, normal or low.")] = "normal",
    event_id: Annotated[str, typer.Option("--id", help="The event's id; one is made up if none is given.")] = "",
    tenant: Tenant = "",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A line for each event, as JSON with machine, key, type, data …; - reads stdin."),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Where to write a line for each delivery.")] = None,
) -> Answer:
    """Send one event, or a stream of lines.

    A line with `topic` is a raw record, sent as it is: topic, key, headers (object or list of pairs), value_base64,
    partition.
    """
    settings = read_settings()
    address(settings, "kafka")
    if tenant:
        settings = settings.model_copy(update={"tenant": tenant})
    if file is not None:
        return _send_lines(settings, file, report)
    if not (machine and key and event_type):
        raise typer.BadParameter("name MACHINE, KEY and TYPE, or a file of lines by --file")
    own_id = {"id": event_id} if event_id else {}
    event = Event(machine=machine, key=key, type=event_type, data=_parsed(data), lane=lane, source=SOURCE, **own_id)
    with connected_producer(settings, name=_NAME) as producer:
        place = producer.send(event).result()
    sent = Report(1, event.id, place.topic, place.partition, place.offset, None)
    return Answer(sent, (f"{sent.id} lies at {sent.topic}[{sent.partition}]@{sent.offset}",))


def connected_producer(settings: Settings, *, name: str) -> Producer:
    """Connect a producer that sends as the settings say: for their tenant, to their topics, within their limits.

    Raises:
        KafkaUnavailable: no broker answered.
    """
    return Producer(
        settings.kafka,
        security=security(settings),
        tenant=settings.tenant,
        topic_prefix=settings.topic_prefix,
        limits=Limits(settings.event_bytes_max, settings.event_depth_max, settings.key_bytes_max),
        name=name,
        delivery_s_max=_DELIVERY_S_MAX,
    )


def _parsed(data: str) -> Any:
    try:
        return orjson.loads(data) if data else None
    except orjson.JSONDecodeError as error:
        raise LineRefused(f"the data is no JSON: {error.msg}", where="--data", remedy="Quote it.") from None


def _send_lines(settings: Settings, file: Path, report: Path | None) -> Answer:
    with ExitStack() as stack:
        lines: BinaryIO = sys.stdin.buffer if str(file) == "-" else stack.enter_context(open_file(file))
        reports = stack.enter_context(make_file(report)) if report else None
        producer = stack.enter_context(connected_producer(settings, name=_NAME))
        first_fault: list[Report] = []

        def note(settled: Report) -> None:
            if settled.error is not None and not first_fault:
                first_fault.append(settled)
            if reports is not None:
                reports.write(settled.as_json())
                reports.flush()

        progress = stack.enter_context(Progress("sending"))
        sent, failed = send_all(producer, _records(producer, lines, progress), report=note)
    refusal = None
    if first_fault:
        fault = first_fault[0]
        what = f"{failed} records were not sent; the first: {fault.error}"
        refusal = Refusal("not_sent", what, f"line {fault.line}", "See the report; run: foliot topics")
    return Answer({"sent": sent, "failed": failed}, (f"{sent} sent, {failed} not",), refusal)


def _records(producer: Producer, lines: BinaryIO, progress: Progress) -> Iterator[ToSend]:
    for number, line in enumerate(lines, start=1):
        progress.tell(number, None)
        yield read_line(producer, line, number)
