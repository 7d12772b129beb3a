"""Event logs of other systems, read and sent again as events: `foliot replay`."""

from foliot_ingest.replay.command import replay

__all__ = ["replay"]
