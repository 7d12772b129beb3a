"""The operations of the API as values: what to send, and how its answer reads. Nothing here does I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Literal, Protocol, TypeVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel

from foliot.client.answers import (
    Accepted,
    Batch,
    Channel,
    DeadLetter,
    DeadLetterPage,
    DeadLetterWhole,
    Instance,
    InstancePage,
    InstanceSummary,
    Machine,
    Machines,
    MachineVersions,
    Problem,
    Published,
    Step,
    StepPage,
)
from foliot.client.refusals import ApiError
from foliot.cloudevents import STRUCTURED, Event, EventRefused, Limits, document, new_id
from foliot.errors import Refusal

T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)
Model = TypeVar("Model", bound=BaseModel)

BATCH_EVENTS_MAX: Final = 1000
"""What the API takes in one request."""
BATCH_BYTES_MAX: Final = 4_194_304
"""Half of what the API takes by its defaults; an event that is larger goes alone."""
PAGE: Final = 500
WATCH: Final = "/v1/watch"
_BATCH: Final = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One operation. Each may be sent again: reading changes nothing, and what changes something carries an id.

    Attributes:
        read: makes the result of an answer that has one of `statuses`; raises ValueError where it cannot.
        wait_s: how long the server may wait before it answers.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    read: Callable[[Answer], T]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    statuses: frozenset[int] = frozenset((200,))
    wait_s: float = 0.0

    @property
    def where(self) -> str:
        """What is called, for errors."""
        return f"{self.method} {self.path}"


class Page(Protocol[Item_co]):
    """Items, and what to ask for those after them."""

    @property
    def items(self) -> tuple[Item_co, ...]: ...  # noqa: D102 - the class says it

    @property
    def next(self) -> str | int | None: ...  # noqa: D102 - likewise


@dataclass(frozen=True, slots=True)
class Pages(Generic[Item_co]):
    """A list that comes page by page: the first call, and the query parameter that leads on."""

    first: Call[Page[Item_co]]
    parameter: str

    def after(self, page: Page[Item_co]) -> Call[Page[Item_co]] | None:
        """Give the call for the page that follows; None after the last."""
        if page.next is None:
            return None
        return replace(self.first, query={**self.first.query, self.parameter: str(page.next)})


def send(event: Event, limits: Limits, wait_s: float) -> Call[Accepted]:
    """Send one event.

    Raises:
        EventRefused: it breaks a rule.
    """
    return Call(
        "POST",
        "/v1/events",
        _model(Accepted),
        query={"wait": f"{wait_s:g}"} if wait_s else {},
        headers={"content-type": STRUCTURED},
        body=_written(event, limits),
        statuses=frozenset((200, 202)),
        wait_s=wait_s,
    )


def send_batches(events: Iterable[Event], limits: Limits) -> tuple[Call[Batch], ...]:
    """Send many events, as many in each call as the API takes; all are looked at before any is sent.

    Raises:
        EventRefused: one breaks a rule; `where` begins with its index.
    """
    written = [_indexed(index, event, limits) for index, event in enumerate(events)]
    return tuple(
        Call(
            "POST",
            "/v1/events",
            _model(Batch),
            headers={"content-type": _BATCH},
            body=b"[%b]" % b",".join(part),
            statuses=frozenset((202, 409)),
        )
        for part in _parts(written)
    )


@contextmanager
def after_batches(results: list[Accepted | Problem]) -> Iterator[None]:
    """Let an error of a batch say its index among all events, and what became of those before."""
    try:
        yield
    except ApiError as error:
        error.taken = tuple(results)
        if error.index is not None:
            error.index += len(results)
        raise


def add_batch(results: list[Accepted | Problem], batch: Batch) -> None:
    """Add what became of a batch; a problem's index counts from the first event of all."""
    offset = len(results)
    for index, result in enumerate(batch.results):
        mine = isinstance(result, Problem)
        results.append(result.model_copy(update={"index": offset + index}) if mine else result)


def show_instance(
    machine: str, key: str, read: Callable[[Answer], Instance], *, after: str | None, wait_s: float, tag: str | None
) -> Call[Instance]:
    """Ask for an instance; with a `tag`, `read` is also given the answer that it has not changed (304)."""
    return Call(
        "GET",
        f"/v1/instances/{_segment(machine)}/{_segment(key)}",
        read,
        query={"after": after, "wait": f"{wait_s:g}"} if after else {},
        headers={"if-none-match": tag} if tag else {},
        statuses=frozenset((200, 304) if tag else (200,)),
        wait_s=wait_s if after else 0.0,
    )


def list_instances(machine: str, mode: str | None) -> Pages[InstanceSummary]:
    """Ask for the living instances of a machine."""
    query = {"count": str(PAGE)} | ({"mode": mode} if mode else {})
    return Pages(Call("GET", f"/v1/instances/{_segment(machine)}", _model(InstancePage), query=query), "cursor")


def list_steps(machine: str, key: str) -> Pages[Step]:
    """Ask for the steps of an instance."""
    path = f"/v1/instances/{_segment(machine)}/{_segment(key)}/history"
    return Pages(Call("GET", path, _model(StepPage), query={"count": str(PAGE)}), "before")


def list_machines() -> Call[tuple[Machine, ...]]:
    """Ask for all machines."""
    read = _model(Machines)
    return Call("GET", "/v1/machines", lambda answer: read(answer).items)


def show_machine(machine: str) -> Call[MachineVersions]:
    """Ask for a machine's channels and versions."""
    return Call("GET", f"/v1/machines/{_segment(machine)}", _model(MachineVersions))


def publish(text: str | bytes, operation_id: str | None) -> Call[Published]:
    """Publish a definition."""
    return Call(
        "POST",
        "/v1/machines",
        _model(Published),
        headers={"content-type": "application/yaml", **_once(operation_id)},
        body=text.encode() if isinstance(text, str) else text,
        statuses=frozenset((200, 201)),
    )


def move_channel(
    machine: str, channel: str, version: int, *, if_match: int, mode: str, operation_id: str | None
) -> Call[Channel]:
    """Point a channel at a version; revision 0 makes a new one."""
    seen = {"if-match": f'"{if_match}"'} if if_match else {"if-none-match": "*"}
    return Call(
        "PUT",
        f"/v1/machines/{_segment(machine)}/channels/{_segment(channel)}",
        _model(Channel),
        headers={"content-type": "application/json", **_once(operation_id), **seen},
        body=orjson.dumps({"version": version, "mode": mode}),
    )


def list_dead_letters(status: str, code: str | None, machine: str | None) -> Pages[DeadLetter]:
    """Ask for dead letters."""
    given = {"status": status, "code": code, "machine": machine, "count": str(PAGE)}
    query = {name: value for name, value in given.items() if value is not None}
    return Pages(Call("GET", "/v1/dead-letters", _model(DeadLetterPage), query=query), "after")


def show_dead_letter(number: int) -> Call[DeadLetterWhole]:
    """Ask for a dead letter whole."""
    return Call("GET", f"/v1/dead-letters/{number}", _model(DeadLetterWhole))


def watch_path(machine: str, key: str) -> str:
    """Name where an instance is watched."""
    return f"/v1/instances/{_segment(machine)}/{_segment(key)}/watch"


def beginning(*, from_start: bool) -> Mapping[str, str]:
    """Say where a watch without a place begins."""
    return {"from": "start"} if from_start else {}


def watched(machine: str | None, step_filter: str | None, part: str | None) -> Mapping[str, str]:
    """Say which steps of all instances are watched."""
    given = {"machine": machine, "filter": step_filter, "part": part}
    return {name: value for name, value in given.items() if value is not None}


def _model(kind: type[Model]) -> Callable[[Answer], Model]:
    return lambda answer: kind.model_validate_json(answer.body)


def _once(operation_id: str | None) -> Mapping[str, str]:
    """Name the operation, so that it is done once however often it is asked for."""
    if operation_id is not None and not (operation_id and operation_id.isascii() and operation_id.isprintable()):
        raise ValueError(f"the operation id {operation_id[:64]!r} is not of printable ASCII characters")
    return {"idempotency-key": operation_id or new_id()}


def _segment(text: str) -> str:
    """Write a text as one segment of a path, also one that a path would take for a step up."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def _written(event: Event, limits: Limits) -> bytes:
    whole: dict[str, Any] = {**document(event, limits), "foliotlane": event.lane}
    return orjson.dumps(whole)


def _indexed(index: int, event: Event, limits: Limits) -> bytes:
    try:
        return _written(event, limits)
    except EventRefused as error:
        refusal = error.refusal
        where = f"events[{index}].{refusal.where}"
        raise EventRefused(Refusal(refusal.code, refusal.what, where, refusal.remedy)) from error


def _parts(written: Iterable[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for one in written:
        if part and (len(part) == BATCH_EVENTS_MAX or size + len(one) > BATCH_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one) + 1
    if part:
        yield part
