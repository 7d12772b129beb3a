"""An HTTP server before the API that spoils exchanges: as a bad network, a busy server or a proxy would."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

import httpx

Fault: TypeAlias = Literal["cut before", "cut after", "half", "slow", "busy", "down", "failed", "garbage"]
FAULTS: Final[tuple[Fault, ...]] = ("cut before", "cut after", "half", "slow", "busy", "down", "failed", "garbage")
_SLOW_S_MAX: Final = 30.0
_RESET: Final = struct.pack("ii", 1, 0)


class FaultyFront:
    """Passes requests on to the API, each first spoilt by the next of `faults`; as a context manager.

    "cut before" loses the request; "cut after", "half" and "slow" spoil the answer to one that was taken in; the others
    answer without the API. What is slow comes after the next request, or after half a minute; who finds it busy is told
    to stay away for `busy_s`.
    """

    def __init__(self, target: str, *faults: Fault, busy_s: int = 1) -> None:
        self.faults = list(faults)
        self._busy_s = busy_s
        self._came = threading.Condition()
        self.requests: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        self._target = target
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._handle))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", "0")))
        with self._came:
            self.requests.append((handler.path, body))
            count = len(self.requests)
            self._came.notify_all()
        fault = self.faults.pop(0) if self.faults else None
        if fault == "cut before":
            _cut(handler)
        elif fault == "busy":
            _answer(handler, 429, b"{}", {"retry-after": str(self._busy_s)})
        elif fault == "down":
            _answer(handler, 503, b"<html>no upstream</html>", {"content-type": "text/html"})
        elif fault == "failed":
            _answer(handler, 500, b"", {})
        elif fault == "garbage":
            _answer(handler, 202, b"\x00<html>welcome</html>", {"content-type": "application/json"})
        else:
            self._pass_on(handler, body, fault, count)

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes, fault: Fault | None, count: int) -> None:
        kept = {name: value for name, value in handler.headers.items() if name.lower() not in {"host", "connection"}}
        with httpx.Client(base_url=self._target, timeout=60) as api:
            answer = api.request(handler.command, handler.path, content=body, headers=kept)
        self.statuses.append(answer.status_code)
        if fault == "slow":
            with self._came:
                self._came.wait_for(lambda: len(self.requests) > count, _SLOW_S_MAX)
        if fault == "cut after":
            _cut(handler)
        elif fault == "half":
            handler.wfile.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 4711\r\n\r\n" + answer.content[:7])
            _cut(handler)
        else:
            headers = {name: value for name, value in answer.headers.items() if name in {"content-type", "etag"}}
            _answer(handler, answer.status_code, answer.content, headers)


class StepStream:
    """Streams steps as the API does, and cuts connections off in the middle of anything; as a context manager.

    Args:
        steps: the JSON of each; its id is its place in the list, from 1.
        lengths: how many bytes each connection carries; None, and those after the last, carry all.
        refusals: how many connections are refused (503) before.
    """

    def __init__(self, steps: list[bytes], lengths: list[int | None], *, refusals: int = 0) -> None:
        self._steps = steps
        self._lengths = lengths
        self._refusals = refusals
        self.asked_after: list[str] = []
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._handle))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        after = handler.headers.get("last-event-id", "")
        self.asked_after.append(after)
        if self._refusals:
            self._refusals -= 1
            _answer(handler, 503, b"", {})
            return
        length = self._lengths.pop(0) if self._lengths else None
        messages = [b": beat\n\n"]
        for number, step in enumerate(self._steps, 1):
            if number > int(after or "0"):
                messages.append(b"event: step\nid: %d\ndata: %b\n\n" % (number, step))
        stream = b"".join(messages)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + stream[:length])
        handler.wfile.flush()
        if length is None or length >= len(stream):
            self._ended.wait(30)
        _cut(handler, reset=length is not None and length % 2 == 0)


def _handler(handle: Callable[[BaseHTTPRequestHandler], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            handle(self)

        do_POST = do_GET  # noqa: N815 - the base class's names
        do_PUT = do_GET  # noqa: N815 - likewise

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in {**headers, "content-length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _cut(handler: BaseHTTPRequestHandler, *, reset: bool = True) -> None:
    """End the connection: with a reset, or as if all had been said."""
    handler.close_connection = True
    handler.wfile.flush()
    if reset:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        # The stream's file objects hold the socket open: only this closes it at once.
        socket.socket(fileno=handler.connection.detach()).close()
    else:
        handler.connection.shutdown(socket.SHUT_RDWR)
