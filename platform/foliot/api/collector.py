"""Gathers events of many requests into few transactions: what comes while one commits goes into the next together."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import structlog

from foliot.access import Caller
from foliot.api.meters import Meters
from foliot.api.problems import Refused
from foliot.api.telling import Teller
from foliot.errors import Refusal
from foliot.registry import Catalog
from foliot.runtime import Acceptance, Arrival, Position, Verdict, Wake, claim_of, queue_of, with_work
from foliot.settings import Settings
from foliot.store import (
    Connection,
    RegistryMoved,
    StoreError,
    StoreUnavailable,
    UnknownCommit,
    columns,
    commit_alone,
    connect,
    discard,
    end_reading,
    load,
)

log = structlog.get_logger(__name__)

_SQL: Final = load("front")
BATCH_EVENTS_MAX: Final = 500
GATHERING_S: Final = 0.005
"""From the beginning of a transaction to that of the next; whoever comes alone after a pause waits for nobody."""
WAITING_MAX: Final = 4096
"""Requests that wait; beyond these a caller is told to come again."""
_TRIES_MAX: Final = 3
_LOOK_S: Final = 0.2
"""How often an idle collector looks whether the end was asked for."""


Taken: TypeAlias = "asyncio.Future[tuple[Verdict, ...]]"


class Catalogs(Protocol):
    """Gives a caller's part of the registry, `fresh` as of now."""

    def __call__(self, caller: Caller, *, fresh: bool = False) -> Catalog:
        """Give it."""


@dataclass(frozen=True, slots=True)
class _Request:
    caller: Caller
    arrivals: Sequence[Arrival]
    taken: Taken


class Collector:
    """One thread with one connection; requests of one tenant share a transaction.

    Whoever hands requests over does so in one event loop, and only there are the futures of the answers touched.
    """

    def __init__(self, settings: Settings, wake: Wake, catalogs: Catalogs, meters: Meters) -> None:
        self._meters = meters
        self._settings = settings
        self._teller = Teller(wake)
        self._catalogs = catalogs
        self._waiting: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        self._connection: Connection | None = None
        self._began = 0.0

    def start(self) -> None:
        """Begin."""
        self._teller.start()
        self._thread.start()

    @property
    def works(self) -> bool:
        """Tell whether it can take in anything."""
        return self._thread.is_alive()

    def waiting(self) -> int:
        """Tell how many requests wait to be taken up."""
        return self._waiting.qsize()

    def stop(self) -> None:
        """End after what was handed over."""
        self._stop.set()
        self._thread.join(timeout=self._settings.grace_s)
        self._teller.stop(self._settings.grace_s)

    def submit(self, caller: Caller, arrivals: Sequence[Arrival]) -> Taken:
        """Hand events over, in the event loop; the answer has a verdict for each, after the commit.

        Raises:
            Refused: too much waits already (`too_many_requests`).
        """
        if self._waiting.qsize() >= WAITING_MAX:
            what = f"more than {WAITING_MAX} requests wait to be committed"
            raise Refused(Refusal("too_many_requests", what, "", "Come again a little later."))
        taken: Taken = asyncio.get_running_loop().create_future()
        self._waiting.put(_Request(caller, arrivals, taken))
        return taken

    def _run(self) -> None:
        while (gathered := self._gather()) is not None:
            by_tenant: dict[int, list[_Request]] = {}
            for request in gathered:
                by_tenant.setdefault(request.caller.tenant, []).append(request)
            for requests in by_tenant.values():
                # Whoever has left meanwhile is not waited for, and its events are not taken in.
                living = [request for request in requests if not request.taken.cancelled()]
                if living:
                    self._answer(living)
        self._disconnect()

    def _gather(self) -> list[_Request] | None:
        """Wait for a request, and until the next transaction may begin; then take what is there."""
        while True:
            try:
                first = self._waiting.get(timeout=_LOOK_S)
                break
            except queue.Empty:
                if self._stop.is_set():
                    return None
        time.sleep(max(0.0, self._began + GATHERING_S - time.monotonic()))
        self._began = time.monotonic()
        gathered, events = [first], len(first.arrivals)
        while events < BATCH_EVENTS_MAX:
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                break
            gathered.append(request)
            events += len(request.arrivals)
        return gathered

    def _answer(self, requests: Sequence[_Request]) -> None:
        arrivals = [arrival for request in requests for arrival in request.arrivals]
        try:
            verdicts = self._commit_surely(requests[0].caller, arrivals)
        except Exception as error:  # noqa: BLE001 - it goes to those who wait; the next requests may fare better
            failure = error
            _in_loop(requests, lambda: _fail(requests, failure))
            return
        _in_loop(requests, lambda: _settle(requests, verdicts))
        self._meters.events([verdict.standing for verdict in verdicts])
        positions = [verdict.position for verdict in verdicts if verdict.position is not None]
        if positions:
            self._teller.tell(with_work((position.shard, position.queue) for position in positions))

    def _commit_surely(self, caller: Caller, arrivals: Sequence[Arrival]) -> tuple[Verdict, ...]:
        """Take them in; after a broken connection once more, since an event that did come in is known by its claim."""
        catalog = self._catalogs(caller)
        is_unsure = False
        for left in reversed(range(_TRIES_MAX)):
            try:
                verdicts = self._commit(caller, catalog, arrivals)
                return self._placed(caller, catalog, arrivals, verdicts) if is_unsure else verdicts
            except RegistryMoved:
                if not left:
                    raise
                # Machines keep their numbers, so only the revision is another.
                catalog = self._catalogs(caller, fresh=True)
            except StoreUnavailable as error:
                self._disconnect()
                if not left:
                    raise
                is_unsure |= isinstance(error, UnknownCommit)
                log.warning("connection_lost", error=str(error))
            except StoreError:
                self._disconnect()
                raise
        raise AssertionError

    def _commit(self, caller: Caller, catalog: Catalog, arrivals: Sequence[Arrival]) -> tuple[Verdict, ...]:
        if self._connection is None:
            self._connection = connect(self._settings.dsn_front, application="foliot-api collector")
        acceptance = Acceptance(catalog, arrivals)
        asked = {**acceptance.parameters, "tenant": caller.tenant}
        return acceptance.verdicts(commit_alone(self._connection, "front", _SQL["take_in_alone"], asked).fetchone())

    def _placed(
        self, caller: Caller, catalog: Catalog, arrivals: Sequence[Arrival], verdicts: Sequence[Verdict]
    ) -> tuple[Verdict, ...]:
        """Give events that are known already their places: after a commit of unknown outcome they may be from there."""
        known = [n for n, verdict in enumerate(verdicts) if verdict.standing == "duplicate" and not verdict.position]
        if not known or self._connection is None:
            return tuple(verdicts)
        places = [(claim_of(arrivals[n], catalog).shard, queue_of(arrivals[n].lane)) for n in known]
        rows = [(*place, arrivals[n].event_id, arrivals[n].source) for place, n in zip(places, known, strict=True)]
        _SQL["set_tenant"].run(self._connection, {"tenant": caller.tenant})
        asked = columns(("shards", "queues", "event_ids", "sources"), rows)
        [(numbers,)] = _SQL["places"].run(self._connection, asked).fetchall()
        end_reading(self._connection)
        found = list(verdicts)
        for n, place, number in zip(known, places, numbers, strict=True):
            if number is not None:
                found[n] = Verdict("duplicate", Position(*place, number))
        return tuple(found)

    def _disconnect(self) -> None:
        if self._connection is not None:
            discard(self._connection)
            self._connection = None


def _in_loop(requests: Sequence[_Request], answer: Callable[[], None]) -> None:
    """Answer them all at once: one message to the loop, and one waking of its thread."""
    # A loop that is closed has nobody who waits.
    with suppress(RuntimeError):
        requests[0].taken.get_loop().call_soon_threadsafe(answer)


def _settle(requests: Sequence[_Request], verdicts: Sequence[Verdict]) -> None:
    place = 0
    for request in requests:
        if not request.taken.done():
            request.taken.set_result(tuple(verdicts[place : place + len(request.arrivals)]))
        place += len(request.arrivals)


def _fail(requests: Sequence[_Request], error: Exception) -> None:
    for request in requests:
        if not request.taken.done():
            request.taken.set_exception(error)
