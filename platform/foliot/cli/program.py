"""The program: commands as Typer groups whose code is imported when it is called, and its way out."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from foliot.cli.answers import EXIT_OK, write_error, write_usage
from foliot.cli.builtin import register
from foliot.cli.commands import Commands, Entry, PartNotInstalled, find_commands, new_app, ready
from foliot.errors import FoliotError

# ClickException, whichever copy of Click Typer brings along: BadParameter is a UsageError is a ClickException.
_COMMAND_LINE_ERROR: Final[type[Any]] = typer.BadParameter.__mro__[2]
_INTERRUPTED: Final = 130


class _LateGroup(TyperGroup):
    """A group that knows its commands' names and summaries, and imports the code of the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        entry = None if command is None else command.context_settings.get("obj")
        if isinstance(entry, Entry):
            try:
                command = ready(entry)
            except PartNotInstalled:
                # Whoever pressed the tabulator wants no message; whoever calls the command does.
                if not ctx.resilient_parsing:
                    raise
        return name, command, rest


def main() -> None:
    """Run the command line of this process and exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Not every terminal has a dash or a stranger's letters; standard error does so by itself.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code: 0 ok, 1 refused or red, 2 usage, 3 unavailable, 130 Ctrl-C."""
    as_json = "--json" in arguments
    try:
        app = _program(find_commands(register(Commands())))
        code = app(list(arguments), prog_name="foliot", standalone_mode=not as_json)
    except FoliotError as error:
        return write_error(error, as_json=as_json)
    except _COMMAND_LINE_ERROR as error:
        return write_usage(error.format_message())
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else EXIT_OK
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code if isinstance(code, int) else EXIT_OK


def _program(commands: Commands) -> typer.Typer:
    app = _group("Durable state machines for agents and services.", add_completion=True)
    app.callback()(_options_before_commands)
    groups = {name: _group(summary) for name, summary in commands.groups.items()}
    for name, entry in sorted(commands.entries.items()):
        first, _, second = name.partition(" ")
        parent, own_name = (groups[first], second) if second else (app, first)
        parent.command(own_name, help=entry.summary, context_settings={"obj": entry})(_not_called)
    for name, group in sorted(groups.items()):
        app.add_typer(group, name=name)
    return app


def _group(summary: str, *, add_completion: bool = False) -> typer.Typer:
    return new_app(cls=_LateGroup, help=summary, no_args_is_help=True, add_completion=add_completion)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"foliot {metadata.version('foliot')}")
        raise typer.Exit


def _options_before_commands(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Stand for the options of `foliot` itself; each does its own work."""


def _not_called() -> None:
    """Stand for a command whose code is not imported yet."""
