"""The client for programs that run on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
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


class AsyncClient:
    """As `Client`, with the same arguments, for asyncio. Tasks may share one.

    ```python
    async with AsyncClient("http://127.0.0.1:8080", key="foliot_…") as client:
        sent = await client.send(Event(machine="order", key="4711", type="placed", data={"lines": 2}))
        async for seen in client.watch("order", "4711"):
            print(seen.what)
    ```
    """

    def __init__(
        self,
        address: str,
        *,
        key: str = "",
        patience: Patience = Patience(),  # noqa: B008 - an immutable value
        limits: Limits = Limits(),  # noqa: B008 - likewise
        silence_s_max: float = SILENCE_S_MAX,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        reach = Reach(address, key)
        self._http = httpx.AsyncClient(base_url=reach.address, headers=reach.headers, transport=transport)
        self._patience = patience
        self._limits = limits
        self._silence_s_max = silence_s_max
        self._tags = Tags()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """As `Client.close`."""
        await self._http.aclose()

    async def send(self, event: Event, wait: float = 0.0) -> Accepted:
        """As `Client.send`."""
        return await self._run(calls.send(event, self._limits, wait))

    async def send_many(self, events: Iterable[Event]) -> tuple[Accepted | Problem, ...]:
        """As `Client.send_many`."""
        results: list[Accepted | Problem] = []
        for call in calls.send_batches(events, self._limits):
            with calls.after_batches(results):
                batch = await self._run(call)
            calls.add_batch(results, batch)
        return tuple(results)

    async def instance(self, machine: str, key: str, *, after: str | None = None, wait: float = 5.0) -> Instance:
        """As `Client.instance`."""
        return await self._run(self._tags.call(machine, key, after, wait))

    def instances(
        self, machine: str, *, mode: Literal["running", "held", "draining"] | None = None
    ) -> AsyncGenerator[InstanceSummary, None]:
        """As `Client.instances`."""
        return self._items(calls.list_instances(machine, mode))

    def history(self, machine: str, key: str) -> AsyncGenerator[Step, None]:
        """As `Client.history`."""
        return self._items(calls.list_steps(machine, key))

    async def machines(self) -> tuple[Machine, ...]:
        """As `Client.machines`."""
        return await self._run(calls.list_machines())

    async def machine(self, name: str) -> MachineVersions:
        """As `Client.machine`."""
        return await self._run(calls.show_machine(name))

    async def publish(self, text: str | bytes, *, operation_id: str | None = None) -> Published:
        """As `Client.publish`."""
        return await self._run(calls.publish(text, operation_id))

    async def move_channel(
        self,
        machine: str,
        channel: str,
        version: int,
        *,
        if_match: int,
        mode: Literal["new", "all"] = "new",
        operation_id: str | None = None,
    ) -> Channel:
        """As `Client.move_channel`."""
        return await self._run(
            calls.move_channel(machine, channel, version, if_match=if_match, mode=mode, operation_id=operation_id)
        )

    def dead_letters(
        self,
        *,
        status: Literal["open", "redriven", "discarded", "all"] = "open",
        code: str | None = None,
        machine: str | None = None,
    ) -> AsyncGenerator[DeadLetter, None]:
        """As `Client.dead_letters`."""
        return self._items(calls.list_dead_letters(status, code, machine))

    async def dead_letter(self, number: int) -> DeadLetterWhole:
        """As `Client.dead_letter`."""
        return await self._run(calls.show_dead_letter(number))

    def watch(
        self, machine: str, key: str, *, after: str = "", from_start: bool = False
    ) -> AsyncGenerator[Watched, None]:
        """As `Client.watch`."""
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
    ) -> AsyncGenerator[Watched, None]:
        """As `Client.watch_all`."""
        return self._follow(Following(calls.WATCH, calls.watched(machine, filter, part), after, self._patience))

    async def _run(self, call: Call[T]) -> T:
        trial = Trial(call, self._patience)
        while True:
            outcome = trial.judge(await self._try(call, trial.timeout_s()))
            if not isinstance(outcome, Pause):
                return outcome.value
            await asyncio.sleep(outcome.seconds)

    async def _try(self, call: Call[T], timeout_s: float) -> Answer | Lost:
        gathering = Gathering(timeout_s)
        try:
            async with self._http.stream(**sent(call), timeout=timeout_s) as response:
                async for part in response.aiter_bytes():
                    if (enough := gathering.add(part)) is not None:
                        return enough
        except httpx.RequestError as error:
            return lost(error)
        return answer_of(response, gathering.body)

    async def _items(self, pages: Pages[T]) -> AsyncGenerator[T, None]:
        call = pages.first
        while True:
            page = await self._run(call)
            for item in page.items:
                yield item
            following = pages.after(page)
            if following is None:
                return
            call = following

    async def _follow(self, following: Following) -> AsyncGenerator[Watched, None]:
        timeout = httpx.Timeout(self._patience.try_s, read=self._silence_s_max)
        while True:
            try:
                async with self._http.stream(
                    "GET", following.path, params=following.query, headers=following.headers, timeout=timeout
                ) as response:
                    answer = answer_of(response)
                    if is_stream(answer):
                        following.opened()
                        # Closed in order when the caller leaves: the event loop would do it at some later time.
                        async with aclosing(EventSource(response).aiter_sse()) as messages:
                            async for message in messages:
                                if (seen := following.take(message.event, message.id, message.data)) is not None:
                                    yield seen
                        pause_s = following.lost("the stream ended")
                    else:
                        pause_s = following.refused(answer_of(response, await response.aread()))
            except (httpx.RequestError, SSEError) as error:
                pause_s = following.lost(lost(error).why)
            await asyncio.sleep(pause_s)
