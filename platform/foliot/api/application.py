"""The application: its routes, what surrounds each request, and how every refusal is answered."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

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
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
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
    app = FastAPI(
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
    app.state.pace = _two_seconds(doors.settings.api_requests_per_s)
    app.state.quotas = Quotas(doors.settings)
    app.state.strangers = _two_seconds(doors.settings.api_failed_keys_per_s)
    doors.meters.watch("foliot_api_body_bytes", "Bytes of bodies in hand", lambda: app.state.bodies.bytes)
    # Watches stand before the instances, whose keys may have any path in them.
    for part in (watching, events, instances, machines, letters, publishing, repairs, health, metrics):
        app.include_router(part.router)
    app.middleware("http")(_surrounded)
    app.add_exception_handler(FoliotError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _by_framework)
    return app


def _two_seconds(per_s: float) -> Buckets:
    return Buckets(per_s, full=2 * per_s)


async def _surrounded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    began = time.monotonic()
    response = await _answered(request, call_next)
    for name, value in _SECURITY_HEADERS:
        response.headers.setdefault(name, value)
    route = getattr(request.scope.get("route"), "path", NO_ROUTE)
    doors: Doors = request.app.state.doors
    doors.meters.request(request.method, route, response.status_code, time.monotonic() - began)
    return response


async def _answered(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > _HEADER_BYTES_MAX:
        what = f"the headers have more than {_HEADER_BYTES_MAX} bytes"
        return _said(request, problem(Refusal("headers_too_large", what, "headers", "Send fewer.")))
    try:
        return await call_next(request)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is answered, logged and counted
        return _failed(request, error)


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
