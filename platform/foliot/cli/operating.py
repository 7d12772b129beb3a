"""The commands by which operators look at instances and mend what stands still (entry point of `foliot.commands`)."""

from __future__ import annotations

from foliot.cli.commands import Commands


def register(commands: Commands) -> None:
    """Add them."""
    commands.add("show", "foliot.cli.instances:show", "Show an instance.")
    commands.add("history", "foliot.cli.instances:history", "List the steps of an instance.")
    commands.add("release", "foliot.cli.instances:release", "Let a held instance go on.")
    commands.group("dead-letters", "Look at events that were set aside and redrive them.")
    commands.add("dead-letters list", "foliot.cli.letters:list_letters", "List dead letters.")
    commands.add("dead-letters show", "foliot.cli.letters:show", "Show one dead letter whole.")
    commands.add("dead-letters redrive", "foliot.cli.letters:redrive", "Give dead letters another chance.")
    commands.add("verify", "foliot.cli.proving:verify", "Prove that every instance is the fold of its journal.")
