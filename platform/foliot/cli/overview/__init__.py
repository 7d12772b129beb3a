"""`foliot top`: what happens in an installation, looked at once a second."""

from foliot.cli.overview.command import top
from foliot.cli.overview.reading import Letter, Looker, Overview, Session, Shard, Stuck, Writer
from foliot.cli.overview.screen import draw, tables

__all__ = ["Letter", "Looker", "Overview", "Session", "Shard", "Stuck", "Writer", "draw", "tables", "top"]
