"""Log lines of ingest and relay: an event name and fields, as JSON or for people, to standard error."""

from __future__ import annotations

import logging
import sys

import structlog

from foliot.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Set up structlog; of the Kafka client only errors are written, since every refused connection is a warning."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.ERROR)
    as_json = settings.log_format == "json"
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([structlog.processors.format_exc_info] if as_json else []),
            structlog.processors.JSONRenderer()
            if as_json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
