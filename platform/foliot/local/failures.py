"""What can go wrong with the servers of one machine."""

from __future__ import annotations

from typing import ClassVar

from foliot.errors import FoliotError


class LocalError(FoliotError):
    """A local server or program could not be started, found or stopped."""

    code: ClassVar[str] = "local_error"
    remedy: ClassVar[str] = "Stop what still runs (foliot down), then start again."


class PartMissing(LocalError):
    """Something that must be installed first is not there; the remedy says what."""

    code: ClassVar[str] = "local_part_missing"
    # Not by its name: on PyPI that is another project's.
    remedy: ClassVar[str] = 'Run in a checkout of Foliot: pip install ".[local]"'


class ProcessDied(LocalError):
    """A process ended while it was expected to run; `where` is its log."""

    code: ClassVar[str] = "local_process_died"
    remedy: ClassVar[str] = "Mend what the end of its log names, then start again."


class NotReadyInTime(LocalError):
    """A process runs but did not answer within its limit."""

    code: ClassVar[str] = "local_not_ready"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Start again; if it stays so, look at its log: foliot logs"


class StartAbandoned(LocalError):
    """Somebody asked for the end before the start was complete."""

    code: ClassVar[str] = "local_start_abandoned"
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Start again."


class FolderUnreachable(LocalError):
    """The account that a server must run under cannot enter the folder."""

    code: ClassVar[str] = "local_folder_unreachable"
    remedy: ClassVar[str] = (
        "Choose a folder that is open to all (mode 0755, all folders above it too), or do not run as root."
    )


class SupervisorRuns(LocalError):
    """Another supervisor holds the state folder."""

    code: ClassVar[str] = "local_supervisor_runs"
    remedy: ClassVar[str] = "Stop it first: foliot down"
