"""A reader of event streams over a bare socket, which can be cut off after any byte."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx


class Told(NamedTuple):
    """An event of a stream, or a sign of life (without event and data)."""

    event: str
    id: str
    data: Any


class Stream:
    """One request for a stream. `last_id` is what a reader would come back with."""

    def __init__(self, base: httpx.URL, path: str, headers: Mapping[str, str], *, timeout_s: float = 20) -> None:
        self.last_id = headers.get("last-event-id", "")
        self.status = 0
        self.head: dict[str, str] = {}
        self._socket = socket.create_connection((base.host, base.port or 80), timeout=timeout_s)
        lines = [f"GET {path} HTTP/1.1", f"host: {base.host}", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._raw = b""
        self._text = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """Break the connection off, without a farewell."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def told(self, *, bytes_max: int = 1 << 30) -> Iterator[Told]:
        """Give the events as they come, until the stream ends or so many bytes have come of it."""
        left = bytes_max
        while left > 0 and (received := self._socket.recv(min(left, 65_536))):
            left -= len(received)
            self._raw += received
            self._unwrap()
            *whole, self._text = self._text.split(b"\n\n")
            for text in whole:
                yield self._read(text.decode())

    def steps(self, count: int) -> list[Told]:
        """Give the next so many steps; whatever else comes is passed over."""
        found: list[Told] = []
        for told in self.told():
            found += [told] if told.event == "step" else []
            if len(found) == count:
                return found
        raise AssertionError(f"the stream ended after {len(found)} steps of {count}")

    def _unwrap(self) -> None:
        """Take off the head, then the chunks that are whole."""
        if not self.status:
            head, end, rest = self._raw.partition(b"\r\n\r\n")
            if not end:
                return
            first, *lines = head.decode().split("\r\n")
            self.status = int(first.split()[1])
            self.head = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
            self._raw = rest
        while True:
            size, end, rest = self._raw.partition(b"\r\n")
            if not end or len(rest) < int(size, 16) + 2:
                return
            self._text += rest[: int(size, 16)]
            self._raw = rest[int(size, 16) + 2 :]

    def _read(self, text: str) -> Told:
        lines = [line.partition(": ") for line in text.split("\n") if line and not line.startswith(":")]
        fields = {name: value for name, _, value in lines}
        self.last_id = fields.get("id", self.last_id)
        data = json.loads(fields["data"]) if "data" in fields else None
        return Told(fields.get("event", ""), self.last_id, data)
