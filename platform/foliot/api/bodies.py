"""Bodies of requests: each read as far as it may be large, in the time that it may take, all of them within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from foliot.api.problems import Refused
from foliot.errors import Refusal
from foliot.settings import Settings

_CLOSE: Final = {"connection": "close"}
"""What is left of a body that was refused is not read, so the connection is of no further use."""


class Bodies:
    """What the requests of a process have in hand; only the event loop's thread changes it."""

    def __init__(self, settings: Settings) -> None:
        self.bytes_max = settings.api_bodies_bytes_max
        self.seconds_max = settings.api_body_s
        self.bytes = 0


class Body:
    """The body of one request, not read yet."""

    def __init__(self, request: Request, bodies: Bodies) -> None:
        self._request = request
        self._bodies = bodies
        self._bytes = 0

    async def read(self, bytes_max: int, *, setting: str | None = None) -> bytes:
        """Read it whole; `setting` is the one that `bytes_max` comes from, if an operator can change it.

        Raises:
            Refused: it is larger than it may be (`body_too_large`), comes too slowly (`body_too_slow`), ends before it
                is whole (`body_cut_off`), or is too much beside what others have sent (`too_much_in_hand`).
        """
        said = self._request.headers.get("content-length", "")
        if said.isdecimal() and len(said) < 20:
            self._check(int(said), bytes_max, setting)
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._bodies.seconds_max):
                async for part in self._request.stream():
                    self._check(self._bytes + len(part), bytes_max, setting)
                    self._bytes += len(part)
                    self._bodies.bytes += len(part)
                    parts.append(part)
        except TimeoutError:
            what = f"the body did not come within {self._bodies.seconds_max:g} seconds"
            remedy = "Send it without pauses, or in smaller parts."
            raise Refused(Refusal("body_too_slow", what, "body", remedy), _CLOSE) from None
        except ClientDisconnect:
            raise Refused(
                Refusal("body_cut_off", "the body ends before it is whole", "body", "Send it again.")
            ) from None
        return b"".join(parts)

    def let_go(self) -> None:
        """Say that it is no longer in hand."""
        self._bodies.bytes -= self._bytes
        self._bytes = 0

    def _check(self, size: int, bytes_max: int, setting: str | None) -> None:
        if size > bytes_max:
            remedy = "Send less at once." if setting is None else f"Send less at once, or raise {setting}."
            what = f"the body has more than {bytes_max} bytes"
            raise Refused(Refusal("body_too_large", what, "body", remedy), _CLOSE)
        if self._bodies.bytes - self._bytes + size > self._bodies.bytes_max:
            what = f"the bodies of all requests together would have more than {self._bodies.bytes_max} bytes"
            raise Refused(Refusal("too_much_in_hand", what, "body", "Come again a little later."), _CLOSE)


@contextmanager
def in_hand(request: Request) -> Iterator[Body]:
    """Give the body of a request, and let go of it at the end of the block."""
    body = Body(request, request.app.state.bodies)
    try:
        yield body
    finally:
        body.let_go()


async def _body(request: Request) -> AsyncIterator[Body]:
    with in_hand(request) as body:
        yield body


RequestBody: TypeAlias = Annotated[Body, Depends(_body)]
