"""The command `foliot worker`."""

from __future__ import annotations

from typing import Annotated

import structlog
import typer

from foliot.cli.addresses import address, read_settings
from foliot.interpreter import stand_back
from foliot.logs import configure_logs
from foliot_workers.app import check_broker_url
from foliot_workers.workforce import run_workforce

log = structlog.get_logger(__name__)


def worker(
    *,
    children: Annotated[int | None, typer.Option(min=1, help="Processes that serve all lanes.")] = None,
    urgent_children: Annotated[int | None, typer.Option(min=1, help="Processes for critical and high alone.")] = None,
    broker: Annotated[bool, typer.Option("--broker/--no-broker", help="Be woken by Celery, or only poll.")] = True,
) -> None:
    """Step events until SIGTERM: urgent and bulk children, which are started again when they die."""
    settings = read_settings()
    address(settings, "dsn_service")
    configure_logs(settings)
    stand_back(settings.nice)
    woken = broker and bool(settings.broker_url)
    if woken:
        check_broker_url(settings.broker_url)
    else:
        log.info("without_broker", poll_ms=settings.poll_ms)
    run_workforce(
        settings,
        children=children or settings.worker_children,
        urgent_children=urgent_children or settings.urgent_children,
        broker=woken,
    )
