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
_STARTUP_HEADER_BYTES = 4
_MESSAGE_HEADER_BYTES = 5
_QUERY, _PARSE = b"Q", b"P"
_COMMAND_COMPLETE = b"C"


@dataclass(slots=True)
class _Messages:
    """The messages of one direction of Postgres's protocol, cut out of a stream of bytes.

    A client's first messages have no type byte; SSL and GSS requests are among them, so the client must not use either
    (sslmode=disable, gssencmode=disable).
    """

    has_type: bool
    buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """Take bytes; return the (type, body) of each message that is complete with them."""
        self.buffer += data
        found: list[tuple[bytes, bytes]] = []
        while True:
            header = _MESSAGE_HEADER_BYTES if self.has_type else _STARTUP_HEADER_BYTES
            if len(self.buffer) < header:
                return found
            size = int.from_bytes(self.buffer[header - 4 : header], "big") + header - 4
            if len(self.buffer) < size:
                return found
            kind = bytes(self.buffer[:1]) if self.has_type else b""
            found.append((kind, bytes(self.buffer[header:size])))
            del self.buffer[:size]
            self.has_type = True


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

    def cut_at_commits(self, count: int = 1) -> None:
        """Break the connections of the next `count` commits when the server has committed, before its reply passes.

        The client cannot know whether its transaction was committed; it was. `commits_cut` counts them.
        """
        if not self._postgres:
            raise ValueError("commits are seen only with postgres=True")
        with self._lock:
            self._commits_to_cut += count

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
        self._requests = _Messages(has_type=False) if postgres else None
        self._replies = _Messages(has_type=True) if postgres else None
        self._commit_is_open = False
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

    def _pass_on(self) -> bool:
        """Move what has come, one chunk each way; False at the end of the connection."""
        if not self._proxy.is_flowing():
            return True
        for source in select.select([self._client, self._server], [], [], _LOOK_SECONDS)[0]:
            # What a freeze finds in here has been sent before it.
            data = source.recv(_CHUNK_BYTES)
            if not data:
                return False
            if source is self._client:
                self._note_requests(data)
                self._server.sendall(data)
            elif self._commit_was_done(data) and self._proxy.takes_commit():
                return False
            else:
                self._client.sendall(data)
        return True

    def _note_requests(self, data: bytes) -> None:
        if self._requests is None:
            return
        for kind, body in self._requests.feed(data):
            if kind in (_QUERY, _PARSE):
                # A Parse has the name of the statement first, then the text, both ended by a zero byte.
                text = body.split(b"\0")[0 if kind == _QUERY else 1]
                self._commit_is_open = self._commit_is_open or text.strip(b" ;\n").upper() == b"COMMIT"

    def _commit_was_done(self, data: bytes) -> bool:
        """Tell whether the reply to an open commit is in `data`."""
        if self._replies is None:
            return False
        # The replies to what was pipelined before the commit come first; theirs have other words.
        done = any(kind == _COMMAND_COMPLETE and body == b"COMMIT\0" for kind, body in self._replies.feed(data))
        if not (self._commit_is_open and done):
            return False
        self._commit_is_open = False
        return True
