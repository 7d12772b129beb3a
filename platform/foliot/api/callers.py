"""What every request goes through before anything is done: its key, its size, its pace."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from foliot.access import Caller, KeyRefused, Scope
from foliot.api.doors import Doors
from foliot.api.problems import Refused
from foliot.errors import Refusal

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key: foliot_<id>_<secret>")
_BUCKETS_MAX: Final = 10_000
_BURST_S: Final = 2.0
_OWN_NAMES: Final = frozenset(("127.0.0.1", "localhost", "::1"))


def doors_of(request: Request) -> Doors:
    """Give what the process shares."""
    doors: Doors = request.app.state.doors
    return doors


def may(scope: Scope) -> Callable[..., Caller]:
    """Make what an operation depends on: a caller whose key has `scope`, and who is not too fast."""

    def caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None
    ) -> Caller:
        doors = doors_of(request)
        found = _identify(doors, request, credentials)
        if scope not in found.scopes:
            what = f"the key may not {scope}"
            remedy = f"Ask an operator for a key with the scope {scope!r}."
            raise Refused(Refusal("forbidden", what, "authorization", remedy))
        pace: Pace = request.app.state.pace
        pace.check(found.key)
        return found

    return caller


def check_again(request: Request, scope: Scope) -> None:
    """Look whether the key of a request that lasts still opens what it has opened.

    Raises:
        KeyRefused: it was revoked or has expired.
        Refused: it has lost the scope.
    """
    token = request.headers.get("authorization", "").partition(" ")[2]
    if token and scope not in doors_of(request).caller(token).scopes:
        raise Refused(Refusal("forbidden", f"the key may no longer {scope}", "authorization", "Ask an operator."))


def _identify(doors: Doors, request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    if credentials is not None:
        return doors.caller(credentials.credentials)
    anonymous = None if "authorization" in request.headers else doors.anonymous()
    if anonymous is not None and ("origin" in request.headers or request.url.hostname not in _OWN_NAMES):
        what = "callers without a key are let in from this machine's own programs, not from web pages"
        raise Refused(Refusal("forbidden", what, "origin", "Send a key."))
    if anonymous is None:
        remedy = "Send: Authorization: Bearer <key>. An operator makes keys: foliot keys create"
        raise KeyRefused("no key was sent", where="authorization", remedy=remedy)
    return anonymous


Reader: TypeAlias = Annotated[Caller, Depends(may("read"))]
Sender: TypeAlias = Annotated[Caller, Depends(may("send"))]
Publisher: TypeAlias = Annotated[Caller, Depends(may("publish"))]
Operator: TypeAlias = Annotated[Caller, Depends(may("operate"))]
SharedDoors: TypeAlias = Annotated[Doors, Depends(doors_of)]


class Pace:
    """A bucket a key: so many requests a second on average, and two seconds' worth at once."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Count a request.

        Raises:
            Refused: the key is too fast (`too_many_requests`).
        """
        now = time.monotonic()
        with self._lock:
            full = self._per_s * _BURST_S
            left, at = self._buckets.pop(key, (full, now))
            left = min(full, left + (now - at) * self._per_s)
            self._buckets[key] = (left - 1 if left >= 1 else left), now
            while len(self._buckets) > _BUCKETS_MAX:
                self._buckets.popitem(last=False)
        if left < 1:
            wait_s = (1 - left) / self._per_s
            what = f"more than {self._per_s:g} requests a second by one key"
            remedy = "Send events in batches, or raise FOLIOT_API_REQUESTS_PER_S."
            raise Refused(
                Refusal("too_many_requests", what, "authorization", remedy), {"retry-after": f"{max(1, round(wait_s))}"}
            )


def media_type(request: Request) -> str:
    """Give the type of a request's body without its parameters, in lower case; empty where the request says none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Read a body as far as it may be large.

    Raises:
        Refused: it is larger (`body_too_large`); what is left of it is not read.
    """
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > bytes_max:
        raise _too_large(bytes_max)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > bytes_max:
            raise _too_large(bytes_max)
        parts.append(part)
    return b"".join(parts)


def _too_large(bytes_max: int) -> Refused:
    remedy = "Send less at once, or raise FOLIOT_API_BODY_BYTES_MAX."
    return Refused(Refusal("body_too_large", f"the body has more than {bytes_max} bytes", "body", remedy))
