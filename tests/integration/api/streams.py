"""A reader of event streams over a bare socket, which can be cut off after any byte; and work for it to see."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx
import psycopg

if TYPE_CHECKING:
    from conftest import Site


class Told(NamedTuple):
    """An event of a stream, or a sign of life (without event and data)."""

    event: str
    id: str
    data: Any


class Stream:
    """One request for a stream. `last_id` is what a reader would come back with."""

    def __init__(self, base: httpx.URL, path: str, headers: Mapping[str, str], *, timeout_s: float = 60) -> None:
        self.last_id = headers.get("last-event-id", "")
        self.status = 0
        self.head: dict[str, str] = {}
        self._socket = socket.create_connection((base.host, base.port or 80), timeout=timeout_s)
        lines = [f"GET {path} HTTP/1.1", f"host: {base.host}", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._raw = b""
        self._text = b""
        self._chunk_left = 0
        self._ended = False

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
        while left > 0 and not self._ended and (received := self._socket.recv(min(left, 65_536))):
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
        """Take off the head, then what holds the chunks together."""
        if not self.status:
            head, end, rest = self._raw.partition(b"\r\n\r\n")
            if not end:
                return
            first, *lines = head.decode().split("\r\n")
            self.status = int(first.split()[1])
            self.head = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
            self._raw = rest
        while not self._ended:
            self._text += self._raw[: self._chunk_left]
            self._chunk_left, self._raw = (
                max(0, self._chunk_left - len(self._raw)),
                self._raw[self._chunk_left :],
            )
            size, end, rest = self._raw.removeprefix(b"\r\n").partition(b"\r\n")
            if self._chunk_left or not end:
                return
            self._chunk_left, self._raw = int(size, 16), rest
            self._ended = not self._chunk_left

    def _read(self, text: str) -> Told:
        lines = [line.partition(": ") for line in text.split("\n") if line and not line.startswith(":")]
        fields = {name: value for name, _, value in lines}
        self.last_id = fields.get("id", self.last_id)
        data = json.loads(fields["data"]) if "data" in fields else None
        return Told(fields.get("event", ""), self.last_id, data)


def watch(site: Site, path: str, *, tenant: str = "default", last_id: str = "") -> Stream:
    """Watch with a key of a tenant."""
    headers = site.headers(tenant) | ({"last-event-id": last_id} if last_id else {})
    return Stream(site.client.base_url, path, headers)


@contextmanager
def repeating(*works: Callable[[], object]) -> Iterator[None]:
    """Do each of the works again and again, in a thread of its own, until the block ends."""
    stop = threading.Event()

    def repeat(work: Callable[[], object]) -> None:
        while not stop.is_set():
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def journal(site: Site, key: str = "") -> list[dict[str, Any]]:
    """Read the journal of a key, or all of it, in the order of shard and n."""
    query = """
        SELECT j.shard, j.n, j.tenant, i.key, j.kind, j.outcome, j.data::json FROM journal j
        JOIN instances i ON i.shard = j.shard AND i.id = j.instance
        WHERE i.key = %(key)s OR %(key)s = '' ORDER BY j.shard, j.n
    """
    with psycopg.connect(site.database.owner) as connection:
        cursor = connection.execute(query, {"key": key})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]
