"""What both clients have to do with httpx: where the API is, what a call sends, what an answer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, ClassVar, Final

import httpx

from foliot.client.calls import Answer, Call
from foliot.client.trying import Lost
from foliot.errors import FoliotError

SILENCE_S_MAX: Final = 60.0
"""Four heartbeats of the API."""


class BadAddress(FoliotError):
    """What was given as the API's address or key is none."""

    code: ClassVar[str] = "bad_address"
    remedy: ClassVar[str] = "Give an address such as http://127.0.0.1:8080, and the key as it was shown."


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the API is, and by which key it is called.

    Raises:
        BadAddress: it is no http or https address, or the key has characters that no header can have.
    """

    address: str
    key: str

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.address)
        except httpx.InvalidURL as error:
            raise self._refused(str(error)) from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise self._refused("it has no http:// or https:// and a host")
        if not (self.key.isascii() and self.key.isprintable()):
            raise BadAddress("it has characters that no key has", where="key", remedy="Give the key as it was shown.")

    @property
    def headers(self) -> dict[str, str]:
        """Give what every request says."""
        said = {"user-agent": f"foliot-python/{version('foliot')}"}
        return {**said, "authorization": f"Bearer {self.key}"} if self.key else said

    def _refused(self, why: str) -> BadAddress:
        shown = self.address[:200]
        return BadAddress(f"{shown!r}: {why}", where="address", remedy="Give such as http://127.0.0.1:8080.")


def sent(call: Call[Any]) -> dict[str, Any]:
    """Give what a call sends, as httpx takes it."""
    return {
        "method": call.method,
        "url": call.path,
        "params": call.query,
        "headers": call.headers,
        "content": call.body,
    }


def answer_of(response: httpx.Response, body: bytes = b"") -> Answer:
    """Give a response as a value."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body)


def lost(error: Exception) -> Lost:
    """Say why a try brought no answer."""
    return Lost(f"{type(error).__name__}: {str(error) or 'no answer in time'}")
