"""Log lines of every long-running process: an event name and fields, as JSON or for people, to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog

from foliot.settings import Settings

_LEAST: Final[Mapping[str, int]] = MappingProxyType(
    {
        "": logging.WARNING,
        "foliot": logging.DEBUG,
        "foliot_ingest": logging.DEBUG,
        "foliot_workers": logging.DEBUG,
        # Every connection that is refused is a warning to this client, and it tries many times a second.
        "kafka": logging.ERROR,
    }
)
"""By logger: the least level that is worth a line, whatever the settings allow. The empty name is all other loggers."""


def configure_logs(settings: Settings) -> None:
    """Write our log lines and those of libraries in one form; of libraries only warnings and worse.

    All go through the standard library's handler, which stays whole when a process forks while another thread logs.
    """
    stamp: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    as_json = settings.log_format == "json"
    rendering: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        # Without the values of variables, which may be secrets or very large.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=[*stamp, structlog.stdlib.ExtraAdder()],
        )
    )
    logging.getLogger().handlers = [handler]
    allowed = logging.getLevelNamesMapping()[settings.log_level.upper()]
    for name, least in _LEAST.items():
        logging.getLogger(name).setLevel(max(least, allowed))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *stamp,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
