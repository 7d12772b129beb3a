"""The HTTP server of one process: when it is told to stop, open streams end, and with them their connections."""

from __future__ import annotations

import socket

import uvicorn

from foliot.api.doors import Doors


class Server(uvicorn.Server):
    """Serves an application whose streams would otherwise last until the time to finish is over."""

    def __init__(self, config: uvicorn.Config, doors: Doors) -> None:
        super().__init__(config)
        self._doors = doors

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then whatever else is open."""
        self._doors.following.end()
        await super().shutdown(sockets)
