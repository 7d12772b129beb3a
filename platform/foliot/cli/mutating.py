"""`foliot mutate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from foliot.cli.answers import Answer, Table, View
from foliot.cli.checking import diagnosed
from foliot.cli.progress import Progress
from foliot.cli.scenario_files import KeptTexts, NoScenarios, find_scenarios
from foliot.cli.wording import visible
from foliot.definition import DefinitionRefused
from foliot.engine import compile as compile_machine
from foliot.errors import Refusal
from foliot.testing import (
    Judged,
    MachineFile,
    Scenario,
    ScenarioFile,
    ScenarioStep,
    Score,
    generate,
    judge_mutants,
    mutants,
    play,
    score,
    write_scenarios,
)

_CHARS_MAX: Final = 300


def mutate(
    machine: Annotated[Path, typer.Argument(help="The machine's file.")],
    *,
    tests: Annotated[
        list[Path] | None, typer.Option("--tests", help="Scenarios; else those beside and below that name the machine.")
    ] = None,
    generated: Annotated[bool, typer.Option("--generated", help="Take scenarios made for this call, too.")] = False,
    least: Annotated[
        float, typer.Option("--min", min=0, max=100, help="Percent of the mutants that must be caught.")
    ] = 0,
) -> Answer:
    """Change a machine in small ways, one at a time, and tell which changes its scenarios do not notice."""
    texts = KeptTexts()
    try:
        loaded = texts.machine(machine)
        suites = texts.suites(_tests(tests, machine, generated=generated))
    except DefinitionRefused as error:
        return diagnosed(error.diagnostics, texts.by_file)
    own = [suite for suite in suites if suite.machine.definition.hash == loaded.definition.hash]
    scenarios = [scenario for suite in own for scenario in suite.scenarios]
    if generated:
        scenarios += generate(loaded.definition).scenarios
    if not scenarios:
        raise NoScenarios("no scenario is of this machine", where=str(machine))
    if refusal := _refuse_failing(loaded, scenarios):
        return Answer(None, refusal=refusal)
    judged = _judge(loaded, scenarios)
    counts = score(judged)
    return Answer(
        _data(loaded, judged, counts), tuple(_views(loaded, judged, counts)), _refusal(machine, counts, least)
    )


def _tests(tests: Sequence[Path] | None, machine: Path, *, generated: bool) -> list[Path]:
    if tests:
        return find_scenarios(tests)
    try:
        return find_scenarios([machine.parent])
    except NoScenarios:
        if generated:
            return []
        raise


def _refuse_failing(machine: MachineFile, scenarios: Sequence[Scenario]) -> Refusal | None:
    compiled = compile_machine(machine.definition)
    failed = [scenario.name for scenario in scenarios if not play(compiled, scenario).passed]
    if not failed:
        return None
    what = f"{len(failed)} of {len(scenarios)} scenarios fail before anything is changed, {visible(failed[0])} first"
    return Refusal("scenario_failed", what, machine.file, "Run `foliot test` first.")


def _judge(machine: MachineFile, scenarios: Sequence[Scenario]) -> list[Judged]:
    count = sum(1 for _ in mutants(machine.definition))
    judged: list[Judged] = []
    with Progress("mutants") as progress:
        for each in judge_mutants(machine.definition, scenarios):
            judged.append(each)
            progress.tell(len(judged), count)
    return judged


def _refusal(machine: Path, counts: Score, least: float) -> Refusal | None:
    if counts.percent >= least:
        return None
    what = f"{counts.percent:.1f} % of the mutants were caught; {least:g} % are wanted"
    return Refusal(
        "mutants_missed", what, str(machine), "Add the scenarios that are shown, or expect more in your own."
    )


def _data(machine: MachineFile, judged: Sequence[Judged], counts: Score) -> dict[str, Any]:
    return {
        "machine": machine.file,
        "counts": counts,
        "percent": round(counts.percent, 2),
        "percent_of_all": round(counts.percent_of_all, 2),
        "mutants": [
            {
                "verdict": each.verdict,
                "kind": each.mutant.kind,
                "line": machine.place(each.mutant.state, each.mutant.transition).line,
                "what": each.mutant.what,
                "before": each.mutant.before,
                "after": each.mutant.after,
                "caught_by": each.by or None,
            }
            for each in judged
        ],
    }


def _views(machine: MachineFile, judged: Sequence[Judged], counts: Score) -> Iterator[View]:
    shown: list[tuple[ScenarioStep, ...]] = []
    for each in judged:
        if each.verdict != "caught":
            yield from _survivor(machine, each, shown)
    rows = (
        ("caught", str(counts.caught), "a scenario fails"),
        ("missed", str(counts.missed), "no scenario fails, and the one that is shown would"),
        ("alike", str(counts.alike), "all ways were searched, and nothing differs"),
        ("undecided", str(counts.undecided), "nothing differs as far as was searched"),
    )
    yield Table(("mutants", "count", "what it means"), rows)
    yield f"{counts.percent:.1f} % caught of those that are not alike, {counts.percent_of_all:.1f} % of all"


def _survivor(machine: MachineFile, judged: Judged, shown: list[tuple[ScenarioStep, ...]]) -> Iterator[View]:
    mutant = judged.mutant
    line = machine.place(mutant.state, mutant.transition).line
    style = "bold red" if judged.verdict == "missed" else "yellow"
    head = f"{visible(machine.file)}:{line}:"
    yield Text.assemble((head, "bold"), " ", (judged.verdict, style), f": {mutant.kind}: {visible(mutant.what)}")
    yield Text.assemble(("    - ", "red"), visible(mutant.before, chars_max=_CHARS_MAX))
    yield Text.assemble(("    + ", "green"), visible(mutant.after, chars_max=_CHARS_MAX))
    if judged.scenario is None:
        return
    if judged.scenario.steps in shown:
        yield "    A scenario that stands above would notice this, too."
    else:
        shown.append(judged.scenario.steps)
        yield "    This scenario would notice:"
        text = write_scenarios(ScenarioFile(machine=machine.file, scenarios=(judged.scenario,)))
        yield from (f"    {visible(text_line)}" for text_line in text.splitlines()[2:])
