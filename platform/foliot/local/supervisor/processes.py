"""Processes of others: told apart from those that have their number today, and ended."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from foliot.local.child import wait_until

_GONE_SECONDS_MAX = 10.0


class Identity(BaseModel):
    """A process id with the moment of its start (clock ticks since boot): numbers return, pairs do not."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started_ticks: int

    def lives(self) -> bool:
        """Tell whether that process runs; a zombie does not."""
        return _started_ticks(self.pid) == self.started_ticks

    def tell(self, number: signal.Signals) -> bool:
        """Send a signal to that process and to no other; False where it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The descriptor holds on to one process. What is looked at now is what gets the signal.
            if not self.lives():
                return False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            return True
        finally:
            os.close(descriptor)


def identity_of(pid: int | None) -> Identity | None:
    """Return who has that number now; None where nobody does, or a zombie."""
    ticks = None if pid is None else _started_ticks(pid)
    return None if pid is None or ticks is None else Identity(pid=pid, started_ticks=ticks)


def kill_all(identities: Iterable[Identity]) -> tuple[Identity, ...]:
    """Kill those processes that still live and wait until they are gone; return those that got the signal."""
    told = tuple(identity for identity in identities if identity.tell(signal.SIGKILL))
    wait_until(lambda: not any(identity.lives() for identity in told), seconds_max=_GONE_SECONDS_MAX)
    return told


@functools.cache
def boot_id() -> str:
    """Return the name of this boot of the machine; ticks of another one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started_ticks(pid: int) -> int | None:
    try:
        about = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets, which may hold blanks and brackets.
    fields = about.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
