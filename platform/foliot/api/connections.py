"""How the server that carries the API is set up: its bounds on connections, and on requests that do not get on."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from foliot.settings import Settings

KEEP_ALIVE_S: Final = 30
HEAD_S_MAX: Final = 10.0
"""In which a request must have said its head. The server itself bounds only the pause between two requests."""
HEAD_BYTES_MAX: Final = 65_536
CONNECTIONS_MAX: Final = 2_000


class PunctualProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection on which a request's head does not come in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take in what came; go on waiting as long as the head is not whole."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect_head()
        else:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S_MAX, self._close)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self._late = None
        self.transport.close()


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Give what uvicorn serves the API with."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=PunctualProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.grace_s),
        limit_concurrency=CONNECTIONS_MAX,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
