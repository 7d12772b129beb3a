"""What can go wrong with the servers of one machine."""

from __future__ import annotations

from typing import ClassVar, Final

from foliot.errors import FoliotError

INSTALL: Final = 'Run in a checkout of Foliot: pip install ".[local]"'
"""A remedy. It names the checkout, since on PyPI the name alone is another project's."""


class LocalError(FoliotError):
    """A local server or program could not be started, found or stopped."""

    code: ClassVar[str] = "local_error"


class PartMissing(LocalError):
    """Something that must be installed first is not there; the remedy says what."""

    code: ClassVar[str] = "local_part_missing"


class ProcessDied(LocalError):
    """A process ended while it was expected to run; `where` is its log."""

    code: ClassVar[str] = "local_process_died"


class NotReadyInTime(LocalError):
    """A process runs but did not answer within its limit."""

    code: ClassVar[str] = "local_not_ready"
    retryable: ClassVar[bool] = True


class StartAbandoned(LocalError):
    """Somebody asked for the end before the start was complete."""

    code: ClassVar[str] = "local_start_abandoned"
    retryable: ClassVar[bool] = True


class FolderUnreachable(LocalError):
    """The account that a server must run under cannot enter the folder."""

    code: ClassVar[str] = "local_folder_unreachable"


class SupervisorRuns(LocalError):
    """Another supervisor holds the state folder."""

    code: ClassVar[str] = "local_supervisor_runs"
