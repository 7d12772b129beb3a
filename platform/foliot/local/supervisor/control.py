"""A supervisor in the background: started, asked, ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from foliot.local.child import tail, wait_until
from foliot.local.failures import NotReadyInTime, ProcessDied
from foliot.local.supervisor.plan import Config
from foliot.local.supervisor.processes import Identity, identity_of
from foliot.local.supervisor.records import (
    Status,
    config_file,
    lock,
    logs_folder,
    read_status,
    write_in_one_piece,
)
from foliot.local.supervisor.watch import clear_orphans

_PAUSE_SECONDS = 0.05
_DETACH_SECONDS_MAX = 30
_STOP_SECONDS_MAX = 120.0


def _ignore(_line: str) -> None:
    pass


def start_in_background(config: Config, *, progress: Callable[[str], None] = _ignore) -> Status:
    """Start servers and programs under a supervisor that outlives the caller, and wait until all are ready.

    Where one runs already for the state folder, its status comes back and nothing is changed. `progress` is called
    with each line that the supervisor logs meanwhile.

    Raises:
        ProcessDied: something did not start; the message has the end of its log.
        NotReadyInTime: it took longer than `config.start_seconds_max`; all has been stopped again.
    """
    folder = config.state_folder.absolute()
    if (now := status(folder)).phase == "ready":
        return now
    logs_folder(folder).mkdir(parents=True, exist_ok=True)
    log = logs_folder(folder) / "supervisor.log"
    read_to = log.stat().st_size if log.exists() else 0
    write_in_one_piece(config_file(folder), config.model_copy(update={"state_folder": folder}).model_dump_json())
    launched = _launch(folder)
    deadline = time.monotonic() + config.start_seconds_max
    while True:
        now = status(folder)
        ended = launched is None or not launched.lives()
        read_to = _pass_on(log, read_to, progress)
        if now.phase == "ready":
            return now
        if ended and not now.is_alive():
            raise ProcessDied(now.failure or f"the supervisor ended:\n{tail(log)}", where=str(log))
        if time.monotonic() > deadline:
            stop(folder)
            what = f"not ready within {config.start_seconds_max:g} s; all is stopped again:\n{tail(log)}"
            raise NotReadyInTime(what, where=str(log), remedy="Where the machine was busy, the same call again may do.")
        time.sleep(_PAUSE_SECONDS)


def status(state_folder: Path) -> Status:
    """Tell what runs for the state folder: the last record, as `down` or `failed` where its writer is gone."""
    last = read_status(state_folder.absolute())
    if last.is_alive() or last.phase == "failed":
        return last
    return last.model_copy(update={"phase": "down"})


def stop(state_folder: Path) -> Status:
    """End the supervisor and all that it started, in order; kill what a dead supervisor has left.

    A state folder without any is no error.
    """
    folder = state_folder.absolute()
    last = read_status(folder)
    if last.supervisor is not None and last.is_alive():
        supervisor = last.supervisor
        supervisor.tell(signal.SIGTERM)
        if not wait_until(lambda: not supervisor.lives(), seconds_max=_STOP_SECONDS_MAX):
            supervisor.tell(signal.SIGKILL)
            wait_until(lambda: not supervisor.lives(), seconds_max=1.0)
    if folder.exists():
        with lock(folder):
            clear_orphans(read_status(folder))
    return status(folder)


def _launch(folder: Path) -> Identity | None:
    """Start the supervisor so that it is nobody's child; return who it is, or None where it has ended already."""
    argv = [sys.executable, "-m", "foliot.local.supervisor", str(folder), "--detach"]
    launched = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_DETACH_SECONDS_MAX)
    if launched.returncode != 0:
        raise ProcessDied(f"the supervisor could not be started:\n{launched.stderr}", where=str(folder))
    return identity_of(int(launched.stdout))


def _pass_on(log: Path, read_to: int, progress: Callable[[str], None]) -> int:
    """Hand over the whole lines beyond `read_to`, without their times; return how far they reach."""
    if not log.exists():
        return read_to
    with log.open("rb") as stream:
        stream.seek(read_to)
        lines, _, _ = stream.read().rpartition(b"\n")
    for line in lines.decode(errors="replace").splitlines():
        progress(line.partition(" ")[2])
    return read_to + len(lines) + 1 if lines else read_to
