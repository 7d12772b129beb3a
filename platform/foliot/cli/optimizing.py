"""`foliot optimize`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any, Final

import orjson
import typer
from rich.text import Text

from foliot.cli.answers import Answer, Table, View
from foliot.cli.checking import diagnosed
from foliot.cli.files import write_file
from foliot.cli.progress import Progress
from foliot.cli.scenario_files import KeptTexts
from foliot.cli.wording import visible
from foliot.definition import Definition, DefinitionRefused
from foliot.errors import Refusal
from foliot.optimizing import RUNS, Optimized, Proof, Removal, prove, rewrite, write
from foliot.testing import MachineFile, Move

_CHARS_MAX: Final = 300


def optimize(
    machine: Annotated[Path, typer.Argument(help="The machine's file.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it, as JSON; else nothing is written.")
    ] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Random runs of the proof.")] = RUNS,
    seed: Annotated[int, typer.Option("--seed", help="What the random runs are drawn from.")] = 0,
) -> Answer:
    """Tell what of a machine can go, why, and the proof that what is left does the same; -o writes it."""
    texts = KeptTexts()
    try:
        loaded = texts.machine(machine)
    except DefinitionRefused as error:
        return diagnosed(error.diagnostics, texts.by_file)
    optimized = rewrite(loaded.definition)
    with Progress("random runs") as progress:
        proof = prove(loaded.definition, optimized, Random(seed).randrange, runs=runs, tell=progress.tell)  # noqa: S311
    data = _data(loaded, optimized, proof)
    if proof.difference:
        return Answer(data, (), _refuse(loaded, proof))
    if output is not None:
        write_file(output, write(optimized.definition))
    return Answer({**data, "written": output}, tuple(_views(loaded, optimized, proof, output)))


def _refuse(machine: MachineFile, proof: Proof) -> Refusal:
    moves = ", ".join(_told(move) for move in proof.difference)
    return Refusal(
        "not_equivalent",
        f"an internal error: the smaller machine does something else after {visible(moves, chars_max=_CHARS_MAX)}",
        machine.file,
        "Keep the machine as it is, and report this with the machine. Nothing was written.",
    )


def _told(move: Move) -> str:
    if move.event is None:
        return "a timer"
    return move.event if move.data is None else f"{move.event} {orjson.dumps(move.data, default=repr).decode()}"


def _data(machine: MachineFile, optimized: Optimized, proof: Proof) -> dict[str, Any]:
    return {
        "machine": machine.file,
        "before": _size(machine.definition),
        "after": _size(optimized.definition),
        "removed": [{**each._asdict(), "line": _line(machine, each)} for each in optimized.removals],
        "states": {old: new for old, new in optimized.names.states.items() if old != new},
        "proof": proof,
    }


def _size(definition: Definition) -> dict[str, int]:
    states = list(definition.root.walk())
    return {"states": len(states) - 1, "transitions": sum(1 for node in states for _ in node.outgoing())}


def _line(machine: MachineFile, removal: Removal) -> int:
    return machine.place(removal.state, removal.transition).line


def _views(machine: MachineFile, optimized: Optimized, proof: Proof, output: Path | None) -> Iterator[View]:
    for each in optimized.removals:
        head = f"{visible(machine.file)}:{_line(machine, each)}:"
        what = "transition" if each.transition >= 0 else "state"
        yield Text.assemble((head, "bold"), " ", (each.kind, "yellow"), f" {what} {visible(each.what)}: {each.why}")
    before, after = _size(machine.definition), _size(optimized.definition)
    yield Table(("", "before", "after"), tuple((name, str(before[name]), str(after[name])) for name in before))
    yield _searched(proof)
    yield f"the same in {proof.runs:,} random runs of {proof.run_steps:,} moves"
    yield "nothing is written without -o FILE" if output is None else f"written to {output}"


def _searched(proof: Proof) -> str:
    if proof.complete:
        return f"the same in all {proof.pairs:,} pairs of instances that samples lead to, {proof.steps:,} moves"
    return f"the same in {proof.pairs:,} pairs of instances, {proof.steps:,} moves; there are more"
