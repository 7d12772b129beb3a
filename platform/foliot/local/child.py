"""One direct child process: how it begins, is told things, and ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from foliot.local.failures import LocalError, PartMissing

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOG_BYTES_MAX = 10 * 1024 * 1024
_TAIL_BYTES_MAX = 16 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    """Who a child runs as, where that is not the caller."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """What to execute, where, and as whom."""

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    account: Account | None = None


class Child:
    """A direct child process that dies with its parent and writes its output to a log file.

    It may be spawned again after its end. Its exit is collected by `exit_code` and `end`; until then a dead child is a
    zombie, which looks alive to those who look for its pid.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, also of one that has ended; None before the first spawn."""
        return None if self._popen is None else self._popen.pid

    def spawn(self, launch: Launch) -> None:
        """Start the process.

        Raises:
            PartMissing: the program does not exist or must not be executed.
            LocalError: called outside of the main thread.
        """
        if self.running():
            raise LocalError(f"{self.name} runs already as process {self.pid}")
        if threading.current_thread() is not threading.main_thread():
            # The kernel sends the parent-death signal when the thread that forked ends, not when the process does.
            raise LocalError(
                f"{self.name} was started outside of the main thread and would die with that thread",
                remedy="Start it from the main thread.",
            )
        self.log.parent.mkdir(parents=True, exist_ok=True)
        _turn_over(self.log)
        account = launch.account
        with self.log.open("ab") as output:
            try:
                self._popen = subprocess.Popen(
                    launch.argv,
                    cwd=launch.folder,
                    env=dict(launch.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=None if account is None else account.uid,
                    group=None if account is None else account.gid,
                    extra_groups=None if account is None else [],
                    preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - no thread of ours holds a lock at this point
                )
            except OSError as error:
                raise PartMissing(
                    f"{self.name} could not be executed: {error}", where=launch.argv[0], remedy="Install it."
                ) from error

    def exit_code(self) -> int | None:
        """Tell how it ended, negative for a signal; None while it runs and before the first spawn."""
        return None if self._popen is None else self._popen.poll()

    def running(self) -> bool:
        """Tell whether it was spawned and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended gets none."""
        if self._popen is not None:
            self._popen.send_signal(number)

    def end(self, number: signal.Signals, *, grace_seconds: float) -> None:
        """Ask it to end with signal `number`, frozen or not; kill it when `grace_seconds` have passed."""
        if self._popen is None:
            return
        self._popen.send_signal(number)
        self._popen.send_signal(signal.SIGCONT)
        try:
            self._popen.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of the log."""
        return tail(self.log, lines)


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log file, or nothing where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(log.stat().st_size - _TAIL_BYTES_MAX, 0))
        text = stream.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose own parent dies (Linux: a subreaper)."""
    if _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise LocalError(
            f"the kernel refuses a subreaper: {os.strerror(ctypes.get_errno())}",
            remedy="Run it where nothing forbids prctl, outside of this sandbox.",
        )


def wait_until(happened: Callable[[], bool], *, seconds_max: float, pause_seconds: float = 0.02) -> bool:
    """Look again and again whether something has happened; False when the time was up first."""
    deadline = time.monotonic() + seconds_max
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_seconds)
    return True


def _dying_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # It died before the line above.
            os._exit(1)

    return prepare


def _turn_over(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
