"""The client for programs that wait for each answer."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Literal, Self, TypeVar

import httpx
from httpx_sse import EventSource, SSEError

from foliot.client import calls
from foliot.client.answers import (
    Accepted,
    Channel,
    DeadLetter,
    DeadLetterWhole,
    Instance,
    InstanceSummary,
    Machine,
    MachineVersions,
    Problem,
    Published,
    Step,
    Watched,
)
from foliot.client.calls import Answer, Call, Pages
from foliot.client.connecting import SILENCE_S_MAX, Reach, answer_of, lost, sent
from foliot.client.following import Following, is_stream
from foliot.client.tags import Tags
from foliot.client.trying import Gathering, Lost, Patience, Pause, Trial
from foliot.cloudevents import Event, Limits

T = TypeVar("T")


class Client:
    """Sends events to the HTTP API and reads from it. Threads may share one.

    What fails in passing is tried again with the same ids, until `patience` is at its end; see docs/client.md.

    ```python
    with Client("http://127.0.0.1:8080", key="foliot_…") as client:
        sent = client.send(Event(machine="order", key="4711", type="placed", data={"lines": 2}))
        print(client.instance("order", "4711", after=sent.position).configuration)
    ```

    Args:
        address: where the API is; paths begin below it.
        key: the API key; empty where callers without one are let in.
        patience: how long calls are tried.
        limits: as the installation's settings.
        silence_s_max: after how long without a sign of life a watch connects anew; more than the API's heartbeat.
        transport: how to connect, where it is not directly: a proxy, a client certificate.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str = "",
        patience: Patience = Patience(),  # noqa: B008 - an immutable value
        limits: Limits = Limits(),  # noqa: B008 - likewise
        silence_s_max: float = SILENCE_S_MAX,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        reach = Reach(address, key)
        self._http = httpx.Client(base_url=reach.address, headers=reach.headers, transport=transport)
        self._patience = patience
        self._limits = limits
        self._silence_s_max = silence_s_max
        self._tags = Tags()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections; calling it again does nothing."""
        self._http.close()

    def send(self, event: Event, wait: float = 0.0) -> Accepted:
        """Send one event, and give its position once it is committed.

        With `wait` the API waits so many seconds (30 at most) until it is applied, and says what it came to.

        Raises:
            EventRefused: it breaks a rule; nothing was sent.
            ApiError: the API refused it, or nobody answered.
        """
        return self._run(calls.send(event, self._limits, wait))

    def send_many(self, events: Iterable[Event]) -> tuple[Accepted | Problem, ...]:
        """Send events in batches of at most 1,000, and give what became of each, in their order.

        A `Problem` stands in the place of one whose id was accepted before with another content.

        Raises:
            EventRefused: one breaks a rule; nothing was sent.
            ApiError: a batch was refused (`index` says by which event), or nobody answered; `taken` has what became
                of the batches before it. Sending all of them again is safe.
        """
        results: list[Accepted | Problem] = []
        for call in calls.send_batches(events, self._limits):
            with calls.after_batches(results):
                batch = self._run(call)
            calls.add_batch(results, batch)
        return tuple(results)

    def instance(self, machine: str, key: str, *, after: str | None = None, wait: float = 5.0) -> Instance:
        """Give an instance as it is; one that has not changed since it was last given is not sent again.

        With `after`, the position of an event, the API waits up to `wait` seconds at a time until that is applied.
        """
        return self._run(self._tags.call(machine, key, after, wait))

    def instances(
        self, machine: str, *, mode: Literal["running", "held", "draining"] | None = None
    ) -> Generator[InstanceSummary, None, None]:
        """Give the living instances of a machine, in an order that stays the same."""
        return self._items(calls.list_instances(machine, mode))

    def history(self, machine: str, key: str) -> Generator[Step, None, None]:
        """Give the steps of an instance, the newest first."""
        return self._items(calls.list_steps(machine, key))

    def machines(self) -> tuple[Machine, ...]:
        """Give all machines, by name."""
        return self._run(calls.list_machines())

    def machine(self, name: str) -> MachineVersions:
        """Give a machine with its channels and versions."""
        return self._run(calls.show_machine(name))

    def publish(self, text: str | bytes, *, operation_id: str | None = None) -> Published:
        """Publish a definition (YAML or JSON) as a version; one that is there already is given.

        An error's `diagnostics` name all that is wrong with it.
        """
        return self._run(calls.publish(text, operation_id))

    def move_channel(
        self,
        machine: str,
        channel: str,
        version: int,
        *,
        if_match: int,
        mode: Literal["new", "all"] = "new",
        operation_id: str | None = None,
    ) -> Channel:
        """Point a channel at a version, if its revision is still `if_match`; 0 makes a new channel.

        Raises:
            MovedMeanwhile: somebody else has moved it.
        """
        return self._run(
            calls.move_channel(machine, channel, version, if_match=if_match, mode=mode, operation_id=operation_id)
        )

    def dead_letters(
        self,
        *,
        status: Literal["open", "redriven", "discarded", "all"] = "open",
        code: str | None = None,
        machine: str | None = None,
    ) -> Generator[DeadLetter, None, None]:
        """Give dead letters, the oldest first."""
        return self._items(calls.list_dead_letters(status, code, machine))

    def dead_letter(self, number: int) -> DeadLetterWhole:
        """Give a dead letter whole."""
        return self._run(calls.show_dead_letter(number))

    def watch(
        self, machine: str, key: str, *, after: str = "", from_start: bool = False
    ) -> Generator[Watched, None, None]:
        """Give the steps of an instance as they happen, each once, over as many connections as it takes.

        It begins with the instance as it is (or with its first step, `from_start`), or after a place. It ends when
        its caller ends it.

        Raises:
            PlaceGone: the journal has no longer what comes after the place.
            ApiError: the API refuses, or has not answered for as long as a call is tried.
        """
        return self._follow(
            Following(calls.watch_path(machine, key), calls.beginning(from_start=from_start), after, self._patience)
        )

    def watch_all(
        self,
        *,
        machine: str | None = None,
        filter: str | None = None,  # noqa: A002 - the API's word
        part: str | None = None,
        after: str = "",
    ) -> Generator[Watched, None, None]:
        """Give the steps of all instances as they happen, as `watch` does.

        `filter` is CEL over `step`; `part`, such as `0/16`, is needed where there are more than 256 shards. Only steps
        of the same shard come in order.
        """
        return self._follow(Following(calls.WATCH, calls.watched(machine, filter, part), after, self._patience))

    def _run(self, call: Call[T]) -> T:
        trial = Trial(call, self._patience)
        while True:
            outcome = trial.judge(self._try(call, trial.timeout_s()))
            if not isinstance(outcome, Pause):
                return outcome.value
            time.sleep(outcome.seconds)

    def _try(self, call: Call[T], timeout_s: float) -> Answer | Lost:
        gathering = Gathering(timeout_s)
        try:
            with self._http.stream(**sent(call), timeout=timeout_s) as response:
                for part in response.iter_bytes():
                    if (enough := gathering.add(part)) is not None:
                        return enough
        except httpx.RequestError as error:
            return lost(error)
        return answer_of(response, gathering.body)

    def _items(self, pages: Pages[T]) -> Generator[T, None, None]:
        call = pages.first
        while True:
            page = self._run(call)
            yield from page.items
            following = pages.after(page)
            if following is None:
                return
            call = following

    def _follow(self, following: Following) -> Generator[Watched, None, None]:
        timeout = httpx.Timeout(self._patience.try_s, read=self._silence_s_max)
        while True:
            try:
                with self._http.stream(
                    "GET", following.path, params=following.query, headers=following.headers, timeout=timeout
                ) as response:
                    answer = answer_of(response)
                    if is_stream(answer):
                        following.opened()
                        for message in EventSource(response).iter_sse():
                            if (seen := following.take(message.event, message.id, message.data)) is not None:
                                yield seen
                        pause_s = following.lost("the stream ended")
                    else:
                        pause_s = following.refused(answer_of(response, response.read()))
            except (httpx.RequestError, SSEError) as error:
                pause_s = following.lost(lost(error).why)
            time.sleep(pause_s)
