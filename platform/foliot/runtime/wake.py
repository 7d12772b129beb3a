"""The port through which the runtime says that shards have work. Implemented by foliot_workers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final, Protocol

from foliot.settings import Settings

GROUP: Final = "foliot.wake"


class Wake(Protocol):
    """Tells workers that shards have work. A hint: lost, late or doubled, it does no harm."""

    def wake(self, shards: Mapping[int, bool]) -> None:
        """Say that these shards have work; the value tells whether some of it is critical or high. Never raises.

        Where some is, those who are woken for it see to it that the rest is done too.
        """


class NoWake:
    """For processes without a broker: workers find the work by polling."""

    def wake(self, shards: Mapping[int, bool]) -> None:
        """Do nothing."""


def find_wake(settings: Settings) -> Wake:
    """Give the installed implementation, or `NoWake` where there is none or no broker address."""
    if settings.broker_url:
        for entry in entry_points(group=GROUP):
            made: Wake = entry.load()(settings)
            return made
    return NoWake()
