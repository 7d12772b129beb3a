"""`foliot convert`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer
from rich.text import Text

from foliot import file_names
from foliot.cli.answers import Answer, View
from foliot.cli.checking import diagnosed
from foliot.cli.files import read_file, write_file
from foliot.cli.snippets import tell
from foliot.cli.wording import visible
from foliot.definition import Definition, NotWritable, dump, dump_yaml
from foliot.errors import FoliotError
from foliot.languages import read
from foliot.languages.scxml import write_scxml
from foliot.languages.xstate import LeftOut, write_xstate


class UnfitName(FoliotError):
    """A file is to be written whose name says another language than it is in."""

    code: ClassVar[str] = "unfit_name"
    remedy: ClassVar[str] = "Let the name end as the language wants it: .yaml, .json, .scxml or .xstate.json."


class Language(StrEnum):
    """What a machine is written in."""

    YAML = "yaml"
    JSON = "json"
    SCXML = "scxml"
    XSTATE = "xstate"


@dataclass(frozen=True, slots=True)
class _Written:
    text: str
    left_out: tuple[LeftOut, ...] = ()


def _as_xstate(definition: Definition) -> _Written:
    return _Written(*write_xstate(definition))


_WRITERS: Final[Mapping[Language, Callable[[Definition], _Written]]] = {
    Language.YAML: lambda definition: _Written(dump_yaml(definition)),
    Language.JSON: lambda definition: _Written(dump(definition)),
    Language.SCXML: lambda definition: _Written(write_scxml(definition)),
    Language.XSTATE: _as_xstate,
}
_ENDINGS: Final[Mapping[Language, tuple[str, ...]]] = {
    Language.YAML: (".yaml", ".yml"),
    Language.JSON: (".json",),
    Language.SCXML: file_names.SCXML,
    Language.XSTATE: (file_names.XSTATE,),
}


def convert(
    file: Annotated[Path, typer.Argument(help="YAML, JSON, .scxml, .xstate.json or .arrows; - is standard input.")],
    *,
    to: Annotated[Language, typer.Option("--to", help="yaml, json, scxml or xstate.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it; else it is shown.")] = None,
) -> Answer:
    """Write a machine in another language; what is left out on the way is told on standard error.

    What a language has no words for, and Foliot could not read back, is refused. A file that is there is written over.
    """
    if output is not None and _language_of(output.name) is not to:
        raise UnfitName(f"by its name no tool would read it as {to}", where=str(output), remedy=_remedy(output, to))
    text = read_file(file)
    reading = read(text, filename=str(file))
    texts = {str(file): text}
    if reading.definition is None:
        return diagnosed(reading.diagnostics, texts)
    written = _WRITERS[to](reading.definition)
    _read_back(written.text, to, file)
    if output is not None:
        write_file(output, written.text)
    data = {
        "language": to,
        **({"text": written.text} if output is None else {"file": output}),
        "left_out": [each._asdict() for each in written.left_out],
        "diagnostics": reading.diagnostics,
    }
    views = (written.text.rstrip("\n") if output is None else f"written to {output}",)
    return Answer(data, views, notes=(*tell(reading.diagnostics, texts), *_left_out(written)))


def _language_of(name: str) -> Language | None:
    # `.xstate.json` is an ending of JSON, too.
    order = (Language.XSTATE, Language.JSON, Language.YAML, Language.SCXML)
    return next((language for language in order if name.endswith(_ENDINGS[language])), None)


def _remedy(output: Path, to: Language) -> str:
    stem = output.name.removesuffix(file_names.XSTATE) if output.name.endswith(file_names.XSTATE) else output.stem
    return f"Name it {output.with_name(f'{stem}{_ENDINGS[to][0]}')}, or say another --to."


def _read_back(text: str, to: Language, file: Path) -> None:
    """Make sure that what is written is a machine.

    Raises:
        NotWritable: it is beyond what a reader takes, as states that are nested too deeply for a document.
    """
    for fault in read(text, filename=f"{file}{_ENDINGS[to][0]}").diagnostics:
        if fault.severity == "error":
            raise NotWritable(f"as {to} it would be refused: {fault.code}, {fault.what}", where=str(file))


def _left_out(written: _Written) -> Iterator[View]:
    for each in written.left_out:
        yield Text.assemble(
            ("left out", "yellow"), f" of {visible(each.path) or 'the machine'}: {visible(each.reason)}"
        )
