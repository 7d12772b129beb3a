"""Where a report goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report.figures import Figures
from benchmarks.report.page import SECTIONS, as_page
from benchmarks.report.plots import Row, dot_plot


def write_report(figures: Figures, folder: Path) -> None:
    """Write contest.json, README.md and the plots into a folder; what else was measured there goes into the page."""
    write_json(figures, folder / "contest.json")
    (folder / "README.md").write_text(as_page(figures, read_others(folder)))
    plots = {
        "events.svg": ("Events per second, all on one machine", "events/s", _of("events_per_s")),
        "cpu.svg": ("CPU an event, servers included", "µs", _of("cpu_us_per_event")),
    }
    for name, (title, unit, figure) in plots.items():
        (folder / name).write_text(dot_plot(title, unit, _rows(figures, figure)))
    kept = [
        Row(one["title"], [one["kept"]["per_event"]], is_subject=number == 0)
        for number, one in enumerate(figures["contenders"].values())
    ]
    (folder / "kept.svg").write_text(dot_plot("Bytes kept an event of 450 B", "bytes, compacted", kept))


def read_others(folder: Path) -> dict[str, Figures]:
    """Read what was measured beside the contest, by name, as far as it is there."""
    files = {name: folder / f"{name}.json" for name in SECTIONS}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def write_json(figures: Figures, file: Path) -> None:
    """Write figures as they are."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=1) + "\n")


def _of(name: str) -> Callable[[dict[str, Any]], float]:
    return lambda sample: float(sample[name])


def _rows(figures: Figures, figure: Callable[[dict[str, Any]], float]) -> list[Row]:
    subject = next(iter(figures["contenders"]))
    return [
        Row(
            one["title"],
            [figure(sample) for round_ in figures["rounds"] for sample in round_ if sample["contender"] == name],
            is_subject=name == subject,
        )
        for name, one in figures["contenders"].items()
    ]
