"""The command `foliot`.

A command is a function with Typer annotations that returns an `Answer`; docs/cli.md tells how to add one.
"""

from foliot.cli.answers import Answer, Table, Unavailable, View
from foliot.cli.builtin import BUILTINS
from foliot.cli.commands import GROUP, Late, builtin
from foliot.cli.program import main, run

__all__ = ["BUILTINS", "GROUP", "Answer", "Late", "Table", "Unavailable", "View", "builtin", "main", "run"]
