"""A TCP proxy that breaks connections at chosen moments, also exactly between a commit and its reply."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 65_536
_LOOK_SECONDS = 0.1
_MESSAGE_HEADER_BYTES = 5
_COMMAND_COMPLETE = b"C"
_WRITES = (b"INSERT ", b"UPDATE ", b"DELETE ", b"MERGE ")


@dataclass(slots=True)
class _Replies:
    """What a Postgres server says, cut out of a stream of bytes. Without SSL: sslmode=disable, gssencmode=disable."""

    buffer: bytearray = field(default_factory=bytearray)
    has_written: bool = False
    is_open: bool = False
    """Whether a transaction was begun by a statement of its own; without one each statement is committed by itself."""

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """Take bytes; return the (type, body) of each message that is complete with them."""
        self.buffer += data
        found: list[tuple[bytes, bytes]] = []
        while len(self.buffer) >= _MESSAGE_HEADER_BYTES:
            size = int.from_bytes(self.buffer[1:_MESSAGE_HEADER_BYTES], "big") + 1
            if len(self.buffer) < size:
                break
            found.append((bytes(self.buffer[:1]), bytes(self.buffer[_MESSAGE_HEADER_BYTES:size])))
            del self.buffer[:size]
        return found

    def tell_of_a_commit(self, data: bytes, *, also_of_reads: bool = False) -> bool:
        """Take bytes; tell whether they say that a transaction which has written was committed.

        What a function has written is not seen: it was called by a SELECT. Requests need not be looked at: a prepared
        COMMIT has no text in them.
        """
        committed = False
        for kind, body in self.feed(data):
            if kind == _COMMAND_COMPLETE:
                committed = committed or ((self.has_written or also_of_reads) and body == b"COMMIT\0")
                committed = committed or (also_of_reads and not self.is_open and body.startswith(b"SELECT "))
                self.is_open = body not in (b"COMMIT\0", b"ROLLBACK\0") and (self.is_open or body == b"BEGIN\0")
                self.has_written = body.startswith(_WRITES) or (
                    self.has_written and body not in (b"COMMIT\0", b"ROLLBACK\0")
                )
        return committed


class Proxy:
    """Passes connections on to a server, and breaks them on demand; as a context manager.

    Args:
        target: host and port of the server.
        postgres: whether to follow Postgres's protocol, which `cut_at_commits` needs.
    """

    def __init__(self, target: str, *, postgres: bool = False) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._postgres = postgres
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self._commits_to_cut = 0
        self.commits_cut = 0
        self.cuts_reads = False

    @property
    def address(self) -> str:
        """Where clients connect."""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._acceptor = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._flowing.set()
        self._acceptor.join()
        self._listener.close()
        self.cut()

    def cut(self) -> int:
        """Break all connections now, both ways; new ones pass. Returns how many there were."""
        with self._lock:
            links = tuple(self._links)
        for link in links:
            link.cut()
        for link in links:
            link.thread.join()
        return len(links)

    def freeze(self) -> None:
        """Let nothing through any more, while connections stay open; new ones are taken and hang."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything through again, what has waited first."""
        self._flowing.set()

    def cut_at_commits(self, count: int = 1, *, also_of_reads: bool = False) -> None:
        """Break the connections of the next `count` commits of writes, when the server has done them, before its reply.

        With `also_of_reads` it is any commits, such as those of what functions of the database have written.

        The client cannot know whether its transaction was committed; it was. `commits_cut` counts them.
        """
        if not self._postgres:
            raise ValueError("commits are seen only with postgres=True")
        with self._lock:
            self._commits_to_cut += count
            self.cuts_reads = also_of_reads

    def is_flowing(self) -> bool:
        """Tell whether bytes may pass; waits a moment where they may not."""
        return self._flowing.wait(_LOOK_SECONDS)

    def takes_commit(self) -> bool:
        """Tell a link whose commit's reply has come whether it must break now."""
        with self._lock:
            if self._commits_to_cut == 0:
                return False
            self._commits_to_cut -= 1
            self.commits_cut += 1
            return True

    def forget(self, link: _Link) -> None:
        """Take note that a link has ended."""
        with self._lock:
            self._links.discard(link)

    def _accept(self) -> None:
        while not self._closed.is_set():
            if not select.select([self._listener], [], [], _LOOK_SECONDS)[0]:
                continue
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(self._target, timeout=2)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            link = _Link(self, client, server, postgres=self._postgres)
            with self._lock:
                self._links.add(link)
            link.thread.start()


class _Link:
    """One connection through the proxy, both ways, in a thread of its own."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket, *, postgres: bool) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._broken = threading.Event()
        self._replies = _Replies() if postgres else None
        self.thread = threading.Thread(target=self._run, name="proxy-link", daemon=True)

    def cut(self) -> None:
        """Break the connection; the thread ends soon."""
        self._broken.set()
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while not self._broken.is_set() and self._pass_on():
                pass
        self._proxy.forget(self)
        self._client.close()
        self._server.close()

    def _tells_of_a_commit(self, data: bytes) -> bool:
        return self._replies is not None and self._replies.tell_of_a_commit(data, also_of_reads=self._proxy.cuts_reads)

    def _pass_on(self) -> bool:
        """Move what has come, one chunk each way; False at the end of the connection."""
        if not self._proxy.is_flowing():
            return True
        for source in select.select([self._client, self._server], [], [], _LOOK_SECONDS)[0]:
            # What has come since a freeze stays where it is.
            if not self._proxy.is_flowing():
                return True
            data = source.recv(_CHUNK_BYTES)
            if not data:
                return False
            if source is self._client:
                self._server.sendall(data)
            elif self._tells_of_a_commit(data) and self._proxy.takes_commit():
                return False
            else:
                self._client.sendall(data)
        return True
