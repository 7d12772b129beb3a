"""How the server that carries the API is set up: its bounds on connections, and on requests that do not get on."""

from __future__ import annotations

import asyncio
from typing import Final

import uvicorn
from fastapi import FastAPI
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from foliot.api.problems import problem, problem_bytes
from foliot.errors import Refusal
from foliot.settings import Settings

KEEP_ALIVE_S: Final = 30
HEAD_S_MAX: Final = 10.0
"""In which a request must have said its head. The server itself bounds only the pause between two requests."""
HEAD_BYTES_MAX: Final = 65_536
"""Of what is neither a whole head nor part of a body: a head that is not whole, what goes with chunks, trailers."""
CONNECTIONS_MAX: Final = 2_000
_PIECE_BYTES: Final = 16_384
_VERSIONS: Final = frozenset(("1.0", "1.1"))
_CODINGS: Final[tuple[list[bytes], ...]] = ([], [b"chunked"])
"""Others would be let pass in front of that one, and nothing here undoes them."""
_PROBLEM: Final = problem_bytes(
    problem(Refusal("not_http", "what came is no request of HTTP/1.1", "", "Send what RFC 9112 describes."))
)
_REFUSAL: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
    b"x-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b" % (len(_PROBLEM), _PROBLEM)
)


class _Unclear(Exception):
    """What comes may be read in more than one way, or is not to be read."""


class PunctualProtocol(HttpToolsProtocol):
    """HTTP/1.1, one request at a time, whose head has to come in time.

    The parser lets pass what another one on the way might read in another way; that is refused here. What follows a
    request that is not answered yet is not read: the connection ends with the answer, and who has sent more sends it
    again (RFC 9112, 9.3.2). That a request asks for another protocol is passed over (RFC 9110, 7.8).
    """

    _late: asyncio.TimerHandle | None = None
    _unclaimed_bytes = 0
    """What has come since the last head or part of a body was whole."""
    _is_within = False
    """Whether a head has come whose body is not whole."""
    _is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take in what came; go on waiting as long as there is no request to be answered."""
        # Piece by piece, so that what is unclaimed is counted alike however it arrives.
        for start in range(0, len(data), _PIECE_BYTES):
            if self._is_over:
                return
            self._take(data[start : start + _PIECE_BYTES])

    def _take(self, data: bytes) -> None:
        self._unclaimed_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("")
        if self._unclaimed_bytes > HEAD_BYTES_MAX and not self._is_over:
            self.send_400_response("")
        if self._is_answered():
            self._expect_head()
        else:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request, if the one before it is answered."""
        if not self._is_answered():
            raise _Unclear
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after a body is none."""
        if self._is_answered():
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Begin to answer a request, if it can be read in one way only."""
        self._unclaimed_bytes = 0
        names = [name for name, _ in self.headers]
        version, hosts = self.parser.get_http_version(), names.count(b"host")
        # An older client may leave away the host, and knows no chunks.
        is_clear = hosts == 1 if version == "1.1" else hosts < 2 and b"transfer-encoding" not in names
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        # A whole URL, or what looks like the rest of one, would lose its host on the way to the path.
        is_path = self.url.startswith(b"/") and not self.url.startswith(b"//")
        if version not in _VERSIONS or not is_clear or not is_path or codings not in _CODINGS:
            raise _Unclear
        if not self.parser.should_upgrade():
            self._is_within = True
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body."""
        self._unclaimed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request, unless it is going to be read once more."""
        if not self.parser.should_upgrade():
            self._is_within = False
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server's own words are of no use
        """Read no further: refuse what is no request, or end after the answer to the whole one before it."""
        self._is_over = True
        if not self._is_answered() and not self._is_within:
            self.cycle.keep_alive = False
            return
        # A second answer would be taken for that of the next request.
        if not self._is_within or not self.cycle.response_started:
            self.transport.write(_REFUSAL)
        self.transport.close()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as asked:
            # Behind such a head the parser looks for no body. The request is read anew as one that does not ask.
            lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
            lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = HttpRequestParser(self)
            self._feed(b"\r\n".join((*lines, b"", data[asked.args[0] :])))

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

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
        loop="uvloop",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.grace_s),
        limit_concurrency=CONNECTIONS_MAX,
    )
