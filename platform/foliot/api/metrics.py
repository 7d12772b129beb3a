"""What the process counts, in the form that Prometheus reads."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from foliot.api.callers import Operator, SharedDoors
from foliot.api.problems import PROBLEM_RESPONSES

router = APIRouter(tags=["health"])
_OPENMETRICS: Final = "application/openmetrics-text"


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Metrics of this process, of all tenants together",
            "content": {kind: {"schema": {"type": "string"}} for kind in ("text/plain", _OPENMETRICS)},
        },
        **PROBLEM_RESPONSES,
    },
)
def show_metrics(_: Operator, doors: SharedDoors, accept: Annotated[str, Header()] = "") -> Response:
    """Show what this process counts, as text or, where `Accept` asks for it, as OpenMetrics."""
    # Not the header itself, of which this would read more than is wanted here.
    encode, kind = choose_encoder(_OPENMETRICS if _OPENMETRICS in accept else "")
    return Response(encode(doors.meters.registry), headers={"content-type": kind})
