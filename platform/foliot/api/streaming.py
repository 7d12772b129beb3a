"""Server-Sent Events: blocks of text, sent at their reader's pace until either side has enough.

Source: WHATWG HTML Living Standard, section 9.2, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from foliot.api.problems import problem
from foliot.api.waiting import listening
from foliot.errors import FoliotError
from foliot.history import NOTHING, Following, Progress
from foliot.store import StoreError

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "text/event-stream"
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
_CHECK_S: Final = 5.0
"""How often it is looked whether the reader still may read."""
_FIRST_LOOK_S: Final = 5.0
_AGAIN_S: Final = 1.0
"""The time until a reading that has failed for a passing reason is tried again."""


def block(event: str, data: bytes, place: str = "") -> bytes:
    """Write an event; `data` has no line breaks."""
    id_line = f"id: {place}\n" if place else ""
    return f"event: {event}\n{id_line}data: ".encode() + data + b"\n\n"


def sign_of_life(place: str) -> bytes:
    """Write a comment, and an id without an event: a reader keeps the id and is told nothing."""
    return f": alive\nid: {place}\n\n".encode()


class Source(Protocol):
    """What a stream tells. Its methods that may block are called in a thread of their own, one at a time."""

    @property
    def shards(self) -> frozenset[int]:
        """Say whose progress it waits for."""

    @property
    def place(self) -> str:
        """Give the place up to which all was told."""

    def is_behind(self, progress: Progress) -> bool:
        """Tell whether there is something to read."""

    def read(self, progress: Progress) -> bytes:
        """Read on and write it as blocks; there may be none. May block."""

    def check(self) -> None:
        """Look whether the reader still may read. May block.

        Raises:
            FoliotError: it may not.
        """


@dataclass(frozen=True, slots=True)
class Streaming:
    """How streams are sent: what tells of progress, whose threads read, and how long a stream may be silent."""

    following: Following
    readers: Executor
    silence_s: float

    async def blocks(self, source: Source, first: bytes, seconds: float | None) -> AsyncGenerator[bytes]:
        """Give the first block, then what the source tells, for so many seconds or for ever.

        What ends the stream before is told as an event `problem`.
        """
        yield first
        loop = asyncio.get_running_loop()
        ends_at = math.inf if seconds is None else time.monotonic() + seconds
        spoken_at = checked_at = time.monotonic()
        progress = NOTHING
        async with listening(self.following, source.shards) as ear:
            while not ear.ended:
                now = time.monotonic()
                text = b""
                try:
                    if now - checked_at >= _CHECK_S:
                        await loop.run_in_executor(self.readers, source.check)
                        checked_at = now
                    if source.is_behind(progress):
                        text = await loop.run_in_executor(self.readers, source.read, progress)
                    elif now >= ends_at and progress is not NOTHING:
                        return
                    else:
                        silent_s = min(spoken_at + self.silence_s, ends_at) - now
                        progress = await ear.hear(_FIRST_LOOK_S if progress is NOTHING else silent_s) or progress
                except FoliotError as error:
                    if not isinstance(error, StoreError) or not error.retryable:
                        yield _farewell(error)
                        return
                    log.warning("stream_waits", error=str(error))
                    await asyncio.sleep(_AGAIN_S)
                if not text and time.monotonic() - spoken_at >= self.silence_s:
                    text = sign_of_life(source.place)
                if text:
                    yield text
                    spoken_at = time.monotonic()


class EventStream(StreamingResponse):
    """Sends blocks, and gives its reader's seat back when it ends, in whatever way."""

    media_type = MEDIA_TYPE

    def __init__(self, blocks: AsyncGenerator[bytes], seat: AbstractContextManager[object]) -> None:
        super().__init__(blocks, headers=_HEADERS)
        self._blocks = blocks
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves or there is no more."""
        with self._seat:
            async with aclosing(self._blocks):
                await super().__call__(scope, receive, send)


def _farewell(error: FoliotError) -> bytes:
    document = problem(error.refusal, retryable=error.retryable)
    return block("problem", document.model_dump_json(exclude_none=True).encode())
