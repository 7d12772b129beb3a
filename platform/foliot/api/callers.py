"""What every request goes through before anything is done: its key, its scope, its pace."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from foliot.access import Caller, KeyRefused, Scope
from foliot.api.doors import Doors
from foliot.api.pace import Buckets
from foliot.api.problems import Refused, too_many
from foliot.errors import Refusal

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key: foliot_<id>_<secret>")
_OWN_NAME: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.ASCII | re.IGNORECASE)
_SEND: Final = SecurityScopes(["send"])


def doors_of(request: Request) -> Doors:
    """Give what the process shares."""
    doors: Doors = request.app.state.doors
    return doors


async def _shared_doors(request: Request) -> Doors:
    return doors_of(request)


async def caller_of(
    request: Request,
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
) -> Caller:
    """Give who calls: somebody whose key has the scopes that the operation needs, and who is not too fast.

    Raises:
        KeyRefused: no key, or one that opens nothing.
        Refused: `forbidden` or `too_many_requests`.
    """
    found = await _identify(request, credentials)
    for scope in needed.scopes:
        if scope not in found.scopes:
            remedy = f"Ask an operator for a key with the scope {scope!r}."
            raise Refused(Refusal("forbidden", f"the key may not {scope}", "authorization", remedy))
    pace: Buckets = request.app.state.pace
    wait_s = pace.take(found.key)
    if wait_s:
        what = f"more than {pace.per_s:g} requests a second by one key"
        raise too_many(what, "Send events in batches, or raise FOLIOT_API_REQUESTS_PER_S.", wait_s)
    return found


async def sender_of(request: Request) -> Caller:
    """Give who sends, as `Sender` does, where no framework solves dependencies.

    Raises:
        KeyRefused, Refused: as `caller_of`.
    """
    return await caller_of(request, _SEND, await _BEARER(request))


def check_again(request: Request, scope: Scope) -> None:
    """Look whether the key of a request that lasts still opens what it has opened.

    Raises:
        KeyRefused: it was revoked or has expired.
        Refused: it has lost the scope.
    """
    token = request.headers.get("authorization", "").partition(" ")[2]
    if token and scope not in doors_of(request).caller(token).scopes:
        raise Refused(Refusal("forbidden", f"the key may no longer {scope}", "authorization", "Ask an operator."))


async def _identify(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    """Give who calls; a thread is needed only where the database must be asked."""
    doors = doors_of(request)
    if credentials is not None:
        token = credentials.credentials
        known = doors.known_caller(token)
        return known if known is not None else await run_in_threadpool(_holder, doors, request, token)
    anonymous = None
    if "authorization" not in request.headers:
        anonymous = doors.known_anonymous or await run_in_threadpool(doors.anonymous)
    if anonymous is not None and (
        "origin" in request.headers or not _OWN_NAME.fullmatch(request.headers.get("host", ""))
    ):
        what = "callers without a key are let in from this machine's own programs, not from web pages"
        raise Refused(Refusal("forbidden", what, "origin", "Send a key."))
    if anonymous is None:
        raise KeyRefused("no key was sent", where="authorization")
    return anonymous


def _holder(doors: Doors, request: Request, token: str) -> Caller:
    """Look up who holds a key; who guesses keys is not looked up any more for a while."""
    strangers: Buckets = request.app.state.strangers
    address = request.client.host if request.client else ""
    wait_s = strangers.wait_s(address)
    if wait_s:
        what = f"more than {strangers.per_s:g} keys a second from one address that open nothing"
        raise too_many(what, "Send a key that opens something.", wait_s)
    try:
        return doors.caller(token)
    except KeyRefused:
        strangers.take(address)
        raise


Reader: TypeAlias = Annotated[Caller, Security(caller_of, scopes=["read"])]
Sender: TypeAlias = Annotated[Caller, Security(caller_of, scopes=["send"])]
Publisher: TypeAlias = Annotated[Caller, Security(caller_of, scopes=["publish"])]
Operator: TypeAlias = Annotated[Caller, Security(caller_of, scopes=["operate"])]
SharedDoors: TypeAlias = Annotated[Doors, Depends(_shared_doors)]


def media_type(request: Request) -> str:
    """Give the type of a request's body without its parameters, in lower case; empty where the request says none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
