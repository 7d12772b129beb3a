"""The application: its routes, what surrounds each request, and how every refusal is answered."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foliot.api import events, health, instances, letters, machines, metrics, publishing, repairs, watching
from foliot.api.bodies import Bodies
from foliot.api.doors import Doors
from foliot.api.meters import NO_ROUTE
from foliot.api.pace import Buckets
from foliot.api.problems import Fault, Problem, Refused, problem, problem_response
from foliot.api.quotas import Quotas
from foliot.definition import DefinitionRefused
from foliot.errors import FoliotError, Refusal

log = structlog.get_logger(__name__)

_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HEADER_BYTES_MAX: Final = 16_384
_CODES: Final = {404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 415: "media_type_unsupported"}


def make_api(doors: Doors) -> FastAPI:
    """Make the application; `doors` are opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(doors.__enter__)
        try:
            yield
        finally:
            await run_in_threadpool(doors.__exit__, None, None, None)

    return _assembled(doors, lifespan)


def _assembled(doors: Doors, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    app = _Application(
        doors,
        title="Foliot",
        version=version("foliot"),
        summary="Durable state machines: events in, instances out.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.doors = doors
    app.state.bodies = Bodies(doors.settings)
    app.state.pace = Buckets(doors.settings.api_requests_per_s)
    app.state.quotas = Quotas(doors.settings)
    app.state.strangers = Buckets(doors.settings.api_failed_keys_per_s)
    doors.meters.watch("foliot_api_body_bytes", "Bytes of bodies in hand", lambda: app.state.bodies.bytes)
    # Watches stand before the instances, whose keys may have any path in them.
    for part in (watching, events, instances, machines, letters, publishing, repairs, health, metrics):
        app.include_router(part.router)
    app.add_middleware(_Surrounding, doors=doors)
    app.add_exception_handler(FoliotError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _by_framework)
    return app


class _Application(FastAPI):
    """Answers the operation that everything comes in by without the framework's layers, and all others through them.

    Those layers are most of what a small event costs. What refuses, bounds and counts is the same on both ways.
    """

    def __init__(self, doors: Doors, **described: Any) -> None:
        super().__init__(**described)
        self._plainly = _Surrounding(_plain_answer, doors)
        self._route = next(route for route in events.router.routes if getattr(route, "path", "") == events.PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if not events.is_plain(scope):
            await super().__call__(scope, receive, send)
            return
        scope["app"], scope["route"] = self, self._route
        await self._plainly(scope, receive, send)


async def _plain_answer(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        answer = await events.send_plainly(request)
    except FoliotError as error:
        answer = await _refused(request, error)
    await answer(scope, receive, send)


class _Surrounding:
    """What is around every request: the bound of its headers, an answer whatever happens, security headers, a count.

    Plain ASGI: the framework's own kind of middleware makes a task and two streams for each request.
    """

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is told is when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = message["headers"]
                said = {name for name, _ in headers}
                headers.extend(header for header in _SECURITY_HEADERS if header[0] not in said)
                route = getattr(scope.get("route"), "path", NO_ROUTE)
                self._doors.meters.request(scope["method"], route, message["status"], time.monotonic() - began)
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > _HEADER_BYTES_MAX:
            what = f"the headers have more than {_HEADER_BYTES_MAX} bytes"
            answer = _said(Request(scope), problem(Refusal("headers_too_large", what, "headers", "Send fewer.")))
            await answer(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if has_begun:
                raise
            # Whatever it is, it is answered, logged and counted.
            await _failed(Request(scope), error)(scope, receive, sending)


def _said(request: Request, document: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a problem, and count it."""
    doors: Doors = request.app.state.doors
    doors.meters.refusal(document.code)
    return problem_response(document, headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, FoliotError)  # noqa: S101 - what it is registered for
    index = error.index if isinstance(error, Refused) else None
    headers = error.headers if isinstance(error, Refused) else None
    document = problem(error.refusal, retryable=error.retryable, index=index)
    if document.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        # What a server says of itself is for its operators.
        log.error("request_failed", error=str(error))
        document.detail, document.where = "the server is not as it should be", ""
        document.remedy = "Try again later; tell an operator if it stays."
    if isinstance(error, DefinitionRefused):
        document.diagnostics = [Fault.model_validate(each, from_attributes=True) for each in error.diagnostics]
    return _said(request, document, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _said(request, problem(Refusal("request_invalid", first["msg"], where, "See /openapi.json.")))


async def _by_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    code = _CODES.get(error.status_code, "request_invalid")
    where = f"{request.method} {request.url.path[:256]}"
    return _said(request, problem(Refusal(code, str(error.detail), where, "See /openapi.json.")), error.headers)


def _failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    remedy = "Try again; tell an operator if it stays."
    return _said(request, problem(Refusal("internal_error", "something went wrong here", "", remedy)))
