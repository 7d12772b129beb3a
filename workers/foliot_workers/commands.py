"""The commands of this package; their code is imported when one of them is called."""

from __future__ import annotations

from foliot.cli import Commands


def register(commands: Commands) -> None:
    """Add them (entry-point group `foliot.commands`)."""
    commands.add("worker", "foliot_workers.running:worker", "Step events until told to stop.")
