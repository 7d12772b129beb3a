"""`foliot demo`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from foliot import local
from foliot.cli.answers import Answer, Table
from foliot.errors import Refusal
from foliot.local.demo import Outcome, Plan, run_demo

FOLDER: Final = Path(".foliot") / "demo"


def demo(
    *,
    records: Annotated[int, typer.Option("--records", min=100, max=10_000_000, help="How many are sent.")] = 60_000,
    rate: Annotated[float, typer.Option("--rate", min=1, help="Records per second, on average.")] = 3_000.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same traffic.")] = 2026,
    checker: Annotated[
        Path | None, typer.Option("--checker", exists=True, help="Program that judges the evidence.")
    ] = None,
) -> Answer:
    """Stream incident events through everything, swap the machine twice, kill a worker, and check every step."""
    if FOLDER.exists():
        local.stop(FOLDER)
        shutil.rmtree(FOLDER)
    console = Console(stderr=True)
    outcome = run_demo(Plan(FOLDER, records, rate, seed, checker), console)
    return _told(outcome)


def _told(outcome: Outcome) -> Answer:
    refusal = None
    if not outcome.green:
        refusal = Refusal("demo_failed", "the checker is not satisfied", str(FOLDER / "evidence"), "Look there.")
    each = max(1, outcome.stepped)
    rows = [("records sent", f"{outcome.records:,}")]
    if outcome.verdict is not None and outcome.green:
        rows.append(("doubled or unreadable: not accepted", f"{outcome.records - outcome.stepped:,}"))
    rows += [
        ("events stepped", f"{outcome.stepped:,}"),
        ("from the first record to drained", f"{outcome.seconds:.1f} s"),
        ("rate", f"{outcome.stepped / outcome.seconds:,.0f} events/s"),
        ("journal and instances", f"{outcome.bytes_kept / each:,.0f} bytes an event"),
    ]
    rows += [
        (f"CPU, {name}", f"{seconds / each * 1e6:,.0f} µs an event") for name, seconds in outcome.cpu_seconds.items()
    ]
    views: list[str | Table] = [outcome.verdict] if outcome.verdict else []
    views.append(Table(("figure", "value"), tuple(rows)))
    if outcome.verdict is None:
        views.append("No checker was named, so nothing was judged: see --checker.")
    elif outcome.green:
        views.append("GREEN: nothing was lost, doubled or reordered.")
    return Answer(outcome, tuple(views), refusal)
