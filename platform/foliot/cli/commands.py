"""Which commands there are: their names and summaries now, their code when one of them is called."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_type_hints

import typer

from foliot.cli.answers import Answer, Unavailable, write_answer

GROUP: Final = "foliot.commands"
"""Entry points of other packages: a command's name, and a function `register(app: typer.Typer)` that adds it."""

Run: TypeAlias = Callable[..., Answer | None]
_Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]


class PartNotInstalled(Unavailable):
    """A command's code needs a package that is not installed."""

    code: ClassVar[str] = "part_not_installed"


@dataclass(frozen=True, slots=True)
class Late:
    """A command whose code is imported when it is called: `ready` gives it as Typer runs it.

    A `name` of two words is a command of the group that is the first.
    """

    name: str
    summary: str
    ready: Callable[[], Any]


def builtin(name: str, target: str, summary: str) -> Late:
    """Describe a command of the package `foliot`; `target` is `module:function`."""
    return Late(name, summary, partial(_ready_function, name, target))


def find_commands(builtins: tuple[Late, ...]) -> Mapping[str, Late]:
    """Give all commands by name: the built-in ones, and those of other packages that are installed."""
    found = {late.name: late for late in builtins}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        summary = _summary(entry.module)
        if summary is not None:
            found[entry.name] = Late(entry.name, summary, partial(_ready_entry, entry))
    return found


def new_app(**options: Any) -> typer.Typer:
    """Make an application that is colourful on a terminal and plain in a pipe."""
    markup: Literal["rich"] | None = "rich" if sys.stdout.isatty() else None
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=markup, **options)


def answering(run: Run) -> Callable[..., None]:
    """Make of a command's function what Typer calls: with `--json`, and with its answer written and its exit code."""
    annotations = get_type_hints(run, include_extras=True) | {"json": _Json, "return": type(None)}

    def command(*, json: bool = False, **options: Any) -> None:
        answer = run(**options)
        if answer is None:
            answer = Answer(None)
        if code := write_answer(answer, as_json=json):
            raise typer.Exit(code)

    own = inspect.signature(run).parameters
    parameters = [parameter.replace(annotation=annotations[name]) for name, parameter in own.items()]
    parameters.append(inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json))
    command.__doc__ = run.__doc__
    command.__annotations__ = annotations
    # `inspect.signature` looks here first.
    vars(command)["__signature__"] = inspect.Signature(parameters)
    return command


def _summary(module: str) -> str | None:
    """Read the first line of a module's docstring without running the module; None where it is not installed."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None:
        return None
    source = Path(spec.origin).read_text("utf-8") if spec.origin else ""
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _ready_function(name: str, target: str) -> Any:
    module, _, function = target.partition(":")
    app = new_app()
    run = getattr(_imported(name, lambda: importlib.import_module(module)), function)
    app.command(name.rpartition(" ")[2])(answering(run))
    return typer.main.get_command(app)


def _ready_entry(entry: EntryPoint) -> Any:
    app = new_app()
    _imported(entry.name, entry.load)(app)
    _make_answering(app)
    return typer.main.get_group(app).commands[entry.name]


def _make_answering(app: typer.Typer) -> None:
    for info in app.registered_commands:
        if info.callback is not None and "json" not in inspect.signature(info.callback).parameters:
            info.callback = answering(info.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _make_answering(group.typer_instance)


def _imported(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except ModuleNotFoundError as error:
        raise PartNotInstalled(
            f"the command {name!r} needs the package {error.name!r}, which is not installed",
            where=f"foliot {name}",
            remedy='Run: pip install "foliot[server,local]"',
        ) from error
