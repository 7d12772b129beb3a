"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from foliot.api.callers import SharedDoors
from foliot.api.problems import problem_responses
from foliot.store import StoreUnavailable

router = APIRouter(prefix="/healthz", tags=["health"], responses=problem_responses(405, 431, 500))


class Health(BaseModel):
    """It is well."""

    status: Literal["ok"] = "ok"


@router.get("/live")
async def live() -> Health:
    """Answer as long as the process serves requests at all."""
    return Health()


@router.get("/ready", responses=problem_responses(503))
def ready(doors: SharedDoors) -> Health:
    """Answer 200 when Postgres answers the front role, else 503."""
    doors.check_role()
    if not doors.collector.works:
        raise StoreUnavailable("the collector does not run", where="collector", remedy="Start the process again.")
    if not doors.following.works:
        raise StoreUnavailable("nobody looks for progress", where="following", remedy="Start the process again.")
    return Health()
