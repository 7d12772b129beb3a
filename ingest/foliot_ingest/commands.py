"""The commands of this package; their code is imported when one of them is called."""

from __future__ import annotations

from foliot.cli import Commands


def register(commands: Commands) -> None:
    """Add them (entry-point group `foliot.commands`)."""
    commands.add("ingest", "foliot_ingest.running:ingest_events", "Take events from Kafka until told to stop.")
    commands.add("relay", "foliot_ingest.running:relay_messages", "Send messages and changes until told to stop.")
    commands.add("topics", "foliot_ingest.sending:topics", "Make Foliot's topics where they are missing.")
    commands.add("send", "foliot_ingest.sending:send", "Send one event, or a stream of lines.")
    commands.add("replay", "foliot_ingest.replay:replay", "Send an event log again, CSV or XES.")
