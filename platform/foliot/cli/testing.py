"""`foliot test`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from foliot import file_names
from foliot.cli import junit
from foliot.cli.answers import Answer, View
from foliot.cli.checking import diagnosed
from foliot.cli.files import write_file
from foliot.cli.progress import Progress
from foliot.cli.scenario_files import KeptTexts, NoScenarios, find_scenarios
from foliot.cli.test_report import coverage_data, coverage_views, ran_data, ran_views, summary
from foliot.cli.wording import counted
from foliot.definition import DefinitionRefused
from foliot.errors import Refusal
from foliot.testing import (
    Generated,
    Ran,
    Runner,
    ScenarioFile,
    Suite,
    write_scenarios,
)
from foliot.testing import generate as generate_scenarios

GENERATED: Final = ".generated.test.yaml"
"""How the name of a file ends that `--generate` writes; it is written over without a question."""


class Format(StrEnum):
    """How the outcome is written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def run_tests(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files that end in .test.yaml, or folders with such; else this folder.")
    ] = None,
    *,
    name: Annotated[str, typer.Option("--name", "-k", help="Only scenarios whose name has this text in it.")] = "",
    coverage: Annotated[bool, typer.Option("--coverage", help="Tell what of the machines is covered.")] = False,
    coverage_min: Annotated[
        float, typer.Option("--coverage-min", min=0, max=100, help="Percent of states, transitions and guards, each.")
    ] = 0,
    pairs_min: Annotated[
        float, typer.Option("--pairs-min", min=0, max=100, help="Percent of the pairs of transitions.")
    ] = 0,
    generate: Annotated[
        bool, typer.Option("--generate", help="Write scenarios for the machines that PATHS name.")
    ] = False,
    format: Annotated[  # noqa: A002 - its name
        Format, typer.Option("--format", help="json: as --json. junit: XML, as many CI systems read it.")
    ] = Format.TEXT,
) -> Answer:
    """Run scenarios, and tell what of their machines they cover; no server is needed."""
    texts = KeptTexts()
    try:
        if generate:
            return _generate(paths or [], texts)
        suites = texts.suites(find_scenarios(paths or [Path()]))
    except DefinitionRefused as error:
        return diagnosed(error.diagnostics, texts.by_file)
    runner = Runner()
    ran = _run(suites, runner, name)
    if not ran:
        if name:
            raise NoScenarios("no scenario has this text in its name", where=name, remedy="Say another, or none.")
        raise NoScenarios("there is no scenario")
    lacking = tuple(_lacking(runner, coverage_min, pairs_min))
    refusal = _refusal(ran, lacking)
    data: dict[str, Any] = {"scenarios": [ran_data(each) for each in ran], **summary(ran)}
    wants_coverage = coverage or coverage_min or pairs_min
    if wants_coverage:
        data["coverage"] = [coverage_data(each) for each in runner.watched]
    if format is Format.JUNIT:
        return Answer(data, (junit.report(ran),), refusal)
    views = [*ran_views(ran)]
    if wants_coverage:
        views += [view for each in runner.watched for view in coverage_views(each, pairs=pairs_min > 0)]
    return Answer(data, tuple(views), refusal, as_json=format is Format.JSON)


def _run(suites: Sequence[Suite], runner: Runner, name: str) -> list[Ran]:
    chosen = [
        (suite, number)
        for suite in suites
        for number, scenario in enumerate(suite.scenarios)
        if name.lower() in scenario.name.lower()
    ]
    ran: list[Ran] = []
    with Progress("running") as progress:
        for suite, number in chosen:
            ran.append(runner.run(suite, number))
            progress.tell(len(ran), len(chosen))
    return ran


def _lacking(runner: Runner, coverage_min: float, pairs_min: float) -> Iterator[str]:
    for watched in runner.watched:
        for each in watched.coverage.summaries():
            wanted = pairs_min if each.measure == "pairs" else coverage_min
            if each.percent < wanted:
                yield f"{each.measure} of {watched.machine.file}: {each.percent:.1f} % of {wanted:g} %"


def _refusal(ran: Sequence[Ran], lacking: tuple[str, ...]) -> Refusal | None:
    failed = [each for each in ran if not each.played.passed]
    if failed:
        files = ", ".join(dict.fromkeys(each.suite.file for each in failed))
        what = f"{len(failed)} of {counted(len(ran), 'scenario')} failed"
        return Refusal("scenario_failed", what, files, "Mend the machine, or what is expected of it.")
    if lacking:
        remedy = "Add scenarios for what is not covered, or let `foliot test --generate` write some."
        return Refusal("coverage_too_low", "; ".join(lacking), remedy=remedy)
    return None


def _generate(paths: Sequence[Path], texts: KeptTexts) -> Answer:
    machines = [path for path in paths if not path.name.endswith(file_names.SCENARIOS)]
    if not machines or not all(path.name.endswith(file_names.MACHINES) for path in machines):
        remedy = "Name the files of machines: foliot test --generate order.yaml"
        raise NoScenarios("--generate takes machines", where=", ".join(map(str, paths)), remedy=remedy)
    loaded = [texts.machine(path) for path in machines]
    generated = [generate_scenarios(machine.definition) for machine in loaded]
    if still := [path for path, made in zip(machines, generated, strict=True) if not made.scenarios]:
        remedy = "Give it a transition."
        raise NoScenarios("nothing can happen to this machine", where=", ".join(map(str, still)), remedy=remedy)
    views: list[View] = []
    written: list[dict[str, Any]] = []
    for path, made in zip(machines, generated, strict=True):
        target = path.with_name(f"{path.stem}{GENERATED}")
        content = ScenarioFile(machine=path.name, scenarios=made.scenarios)
        write_file(target, write_scenarios(content, comment=_head(path)))
        written.append(
            {"file": target, "scenarios": len(made.scenarios), "missed": made.missed, "impossible": made.impossible}
        )
        views += _generated_views(target, made)
    return Answer({"files": written}, tuple(views))


def _head(path: Path) -> str:
    return (
        f"Written by `foliot test --generate {path.name}`, and written over by it. It says what the machine does, not "
        "what it should do:\nread it before you keep it."
    )


def _generated_views(target: Path, made: Generated) -> Iterator[View]:
    goals = len(made.reached) + len(made.missed)
    yield f"{target}: {len(made.scenarios)} scenarios, {len(made.reached)} of {goals} goals"
    yield from (f"  no way leads there: {name}" for name in made.impossible)
