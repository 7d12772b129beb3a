"""Run a supervisor: `python -m foliot.local.supervisor STATE_FOLDER [--detach]`, with the folder's config.json."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from foliot.local.failures import LocalError, SupervisorRuns
from foliot.local.supervisor.plan import Config
from foliot.local.supervisor.records import config_file, logs_folder
from foliot.local.supervisor.watch import run_supervisor

_ANOTHER_RUNS = 3


def main() -> int:
    """Run until SIGTERM; with --detach in a process of its own, whose number goes to standard output."""
    parser = argparse.ArgumentParser(prog="python -m foliot.local.supervisor", description=main.__doc__)
    parser.add_argument("state_folder", type=Path)
    parser.add_argument("--detach", action="store_true")
    arguments = parser.parse_args()
    folder: Path = arguments.state_folder.absolute()
    config = Config.model_validate_json(config_file(folder).read_bytes())
    if arguments.detach and (pid := os.fork()):
        sys.stdout.write(f"{pid}\n")
        return 0
    if arguments.detach:
        _leave_the_terminal(logs_folder(folder) / "supervisor.log")
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _line,
        ],
        logger_factory=structlog.WriteLoggerFactory(),
    )
    log = structlog.get_logger()
    try:
        run_supervisor(config)
    except SupervisorRuns as error:
        log.info("another_supervisor_runs", error=str(error))
        return _ANOTHER_RUNS
    except LocalError as error:
        log.error("failed", error=str(error))  # noqa: TRY400 - the text says all
        return 1
    return 0


def _line(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> str:
    """Write the time and the name of what happened, then the fields; a level only where it is not the usual one."""
    opening = f"{fields.pop('timestamp')} {fields.pop('event')}"
    if fields.get("level") == "info":
        del fields["level"]
    rest = structlog.processors.LogfmtRenderer(sort_keys=True)(None, "", fields)
    return f"{opening} {rest}".rstrip()


def _leave_the_terminal(log: Path) -> None:
    os.setsid()
    log.parent.mkdir(parents=True, exist_ok=True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


if __name__ == "__main__":
    sys.exit(main())
