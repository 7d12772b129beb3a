"""`foliot diagram`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from foliot import history as past
from foliot import registry
from foliot.cli.addresses import Tenant, service
from foliot.cli.answers import Answer
from foliot.cli.files import read_file, write_file
from foliot.cli.instances import find_machine
from foliot.cli.wording import moment
from foliot.definition import Definition
from foliot.definition.diagrams import Marks, dot, marks_of, mermaid, svg
from foliot.errors import FoliotError
from foliot.languages import load
from foliot.store import Connection

STEPS_MAX: Final = 10_000
"""Steps of an instance that are counted at most, the newest."""
_MACHINE: Final = re.compile(r"([^@/.]+)(?:@([0-9]{1,9}))?")
_STABLE: Final = "stable"


class BadTarget(FoliotError):
    """What is to be drawn is not said rightly."""

    code: ClassVar[str] = "bad_target"
    remedy: ClassVar[str] = "Name a file, or a published machine as MACHINE or MACHINE@VERSION."


class Format(StrEnum):
    """What a diagram is written in."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"


_WRITERS: Final[Mapping[Format, Callable[[Definition, Marks], str]]] = {
    Format.MERMAID: mermaid,
    Format.DOT: dot,
    Format.SVG: svg,
}


def diagram(
    target: Annotated[str, typer.Argument(metavar="FILE|MACHINE[@VERSION]", help="A file has a dot or a slash.")],
    *,
    key: Annotated[str, typer.Option("--key", help="An instance: where it is and has been is drawn in.")] = "",
    format: Annotated[Format, typer.Option("--format", help="mermaid, dot or svg.")] = Format.MERMAID,  # noqa: A002
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it; else it is shown.")] = None,
    tenant: Tenant = "",
) -> Answer:
    """Draw a machine: of a file, or of the registry (else its stable version), with an instance if one is named."""
    named = _MACHINE.fullmatch(target)
    if named is None:
        if key:
            what, remedy = "an instance is of a published machine", "Name the machine, not a file."
            raise BadTarget(what, where=target, remedy=remedy)
        definition, marks = load(read_file(Path(target)), filename=target), Marks()
    else:
        if key and named[2]:
            what, remedy = "an instance is drawn on the version on which it is", f"Leave @{named[2]} away."
            raise BadTarget(what, where=target, remedy=remedy)
        with service() as (connection, settings):
            definition, marks = _published(connection, tenant or settings.tenant, named[1], named[2], key)
    text = _WRITERS[format](definition, marks)
    if output is None:
        return Answer({"format": format, "text": text}, (text.rstrip("\n"),))
    write_file(output, text)
    return Answer({"format": format, "file": output}, (f"written to {output}",))


def _published(
    connection: Connection, tenant: str, name: str, version: str | None, key: str
) -> tuple[Definition, Marks]:
    catalog, entry = find_machine(connection, tenant, name)
    if not key:
        number = int(version) if version else entry.channels[_STABLE].version
        caption = f"version {number}"
        return registry.show_version(connection, tenant, name, number).definition, Marks(caption=caption)
    view = past.show(connection, catalog, entry, key)
    steps = past.history(connection, view.shard, view.n, count=STEPS_MAX)
    definition = registry.show_version(connection, tenant, name, view.version).definition
    # Numbers of transitions are a version's own.
    counted = [step for step in steps if step.version == view.version]
    left_out = view.position - len(counted)
    more = f", {left_out} older or of other versions not counted" if left_out > 0 else ""
    caption = f"{key} · version {view.version} · {len(counted)} steps until {moment(view.stepped_at)}{more}"
    born = any(step.kind == "start" for step in counted)
    transitions = (step.transitions for step in counted)
    return definition, marks_of(definition, view.configuration, transitions, born=born, caption=caption)
