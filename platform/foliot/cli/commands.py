"""Which commands there are: their names and summaries now, their code when one of them is called."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_type_hints

import typer

from foliot.cli.answers import Answer, Unavailable, write_last

GROUP: Final = "foliot.commands"
"""Entry points, each a function `register(commands: Commands) -> None` in a module that is quick to import."""

Run: TypeAlias = Callable[..., Answer | None]
_Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
_JsonLines: TypeAlias = Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")]


class PartNotInstalled(Unavailable):
    """A command's code needs a package that is not installed."""

    code: ClassVar[str] = "part_not_installed"
    remedy: ClassVar[str] = 'Run in a checkout of Foliot: pip install ".[server,local]"'


@dataclass(frozen=True, slots=True)
class Entry:
    """One command; `target` is `module:function`, imported when the command is called."""

    name: str
    target: str
    summary: str


class Commands:
    """The commands of this installation, by their whole name (`publish`, `channel move`)."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._groups: dict[str, str] = {}

    def group(self, name: str, summary: str) -> None:
        """Name a first word that several commands share."""
        self._groups.setdefault(name, summary)

    def add(self, name: str, target: str, summary: str) -> None:
        """Add a command of one word, or of two, the first of which is a group's; the last to add a name wins."""
        self._entries[name] = Entry(name, target, summary)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All commands by name."""
        return self._entries

    @property
    def groups(self) -> Mapping[str, str]:
        """The summary of each group."""
        return self._groups


def find_commands(commands: Commands) -> Commands:
    """Let all installed packages add theirs; one that is not installed is silently absent."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register: Callable[[Commands], None] = entry.load()
        except ModuleNotFoundError:
            continue
        register(commands)
    return commands


def ready(entry: Entry) -> Any:
    """Import a command's code and give the command as Typer runs it.

    Raises:
        PartNotInstalled: the code needs a package that is not there.
    """
    module, _, function = entry.target.partition(":")
    try:
        run: Run = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise PartNotInstalled(
            f"the command {entry.name!r} needs the package {error.name!r}, which is not installed",
            where=f"foliot {entry.name}",
        ) from error
    app = new_app()
    app.command(entry.name.rpartition(" ")[2])(_answering(run))
    return typer.main.get_command(app)


def new_app(*, add_completion: bool = False, **options: Any) -> typer.Typer:
    """Make an application that is colourful on a terminal and plain in a pipe."""
    markup: Literal["rich"] | None = "rich" if sys.stdout.isatty() else None
    return typer.Typer(
        add_completion=add_completion, pretty_exceptions_enable=False, rich_markup_mode=markup, **options
    )


def _answering(run: Run) -> Callable[..., None]:
    """Make of a command's function what Typer calls: with `--json`, and with its answer written and its exit code.

    A function that has the parameter `json` itself writes while it runs, and has no answer at its end.
    """
    own = inspect.signature(run).parameters
    writes_itself = "json" in own
    option = _JsonLines if writes_itself else _Json
    annotations = get_type_hints(run, include_extras=True) | {"json": option, "return": type(None)}

    def command(*, json: bool = False, **options: Any) -> None:
        if writes_itself:
            run(**options, json=json)
            return
        answer = run(**options)
        if answer is None:
            answer = Answer(None)
        if code := write_last(answer, as_json=json):
            raise typer.Exit(code)

    parameters = [parameter.replace(annotation=annotations[name]) for name, parameter in own.items() if name != "json"]
    parameters.append(inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option))
    # What a function raises is for those who call it in Python.
    command.__doc__ = (run.__doc__ or "").partition("Raises:")[0].rstrip()
    command.__annotations__ = annotations
    # `inspect.signature` looks here first.
    vars(command)["__signature__"] = inspect.Signature(parameters)
    return command
