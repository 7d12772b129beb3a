"""The command `foliot`.

A command is a function with Typer annotations that returns an `Answer`; docs/cli.md tells how to add one.
"""

from foliot.cli.answers import Answer, Table, Unavailable, View
from foliot.cli.commands import GROUP, Commands
from foliot.cli.program import main, run

__all__ = ["GROUP", "Answer", "Commands", "Table", "Unavailable", "View", "main", "run"]
