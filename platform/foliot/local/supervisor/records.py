"""What a supervisor leaves on disk about itself, so that others can find it, and clear up after it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from foliot.local.failures import SupervisorRuns
from foliot.local.supervisor.processes import Identity, boot_id

Phase = Literal["down", "starting", "ready", "stopping", "failed"]
_LOCK_SECONDS_MAX = 1.0


class Part(BaseModel):
    """A server or a program: where it is, and how often it had to be started again."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    process: Identity | None = None
    address: str | None = None
    port: int | None = None
    restarts: int = 0
    exit_code: int | None = None


class Status(BaseModel):
    """What runs for one state folder; `kin` are the descendants of its programs, as seen a moment ago."""

    model_config = ConfigDict(frozen=True)

    phase: Phase = "down"
    state_folder: Path
    data_folder: Path | None = None
    supervisor: Identity | None = None
    boot: str = ""
    started_at: datetime | None = None
    parts: tuple[Part, ...] = ()
    kin: tuple[Identity, ...] = ()
    environment: dict[str, str] = {}
    failure: str = ""

    def part(self, name: str) -> Part | None:
        """Find a part by its name."""
        return next((part for part in self.parts if part.name == name), None)

    def is_alive(self) -> bool:
        """Tell whether the supervisor that wrote this still runs."""
        return self.boot == boot_id() and self.supervisor is not None and self.supervisor.lives()


def logs_folder(state_folder: Path) -> Path:
    """Return where the logs are: one file for each part, and supervisor.log."""
    return state_folder / "logs"


def pid_file(state_folder: Path) -> Path:
    """Return the file with the supervisor's process id."""
    return state_folder / "supervisor.pid"


def config_file(state_folder: Path) -> Path:
    """Return the file with what a supervisor in the background is to run."""
    return state_folder / "config.json"


def read_status(state_folder: Path) -> Status:
    """Read what the last supervisor wrote; `down` where there is none or its record cannot be read."""
    try:
        return Status.model_validate_json(_state_file(state_folder).read_bytes())
    except (FileNotFoundError, ValidationError):
        return Status(state_folder=state_folder)


def write_status(status: Status) -> None:
    """Replace the record as a whole: a reader sees the old one or the new one."""
    write_in_one_piece(_state_file(status.state_folder), status.model_dump_json(indent=1))


def write_in_one_piece(path: Path, text: str) -> None:
    """Write a file, for its owner alone, so that a reader sees all of it or what was there before."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(number, "w") as stream:
        stream.write(text)
    Path(name).replace(path)


@contextlib.contextmanager
def lock(state_folder: Path) -> Iterator[None]:
    """Hold the state folder; the kernel gives it back when the holder ends, however it ends.

    Raises:
        SupervisorRuns: somebody else holds it.
    """
    state_folder.mkdir(parents=True, exist_ok=True)
    with (state_folder / "supervisor.lock").open("a") as stream:
        deadline = time.monotonic() + _LOCK_SECONDS_MAX
        while not _locked(stream.fileno()):
            if time.monotonic() > deadline:
                raise SupervisorRuns("another supervisor holds the state folder", where=str(state_folder))
            time.sleep(0.05)
        yield


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _state_file(state_folder: Path) -> Path:
    return state_folder / "state.json"
