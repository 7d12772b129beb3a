import ast
from xml.etree import ElementTree as ET

import pytest
from benchmarks.measure import Sample
from benchmarks.report import Row, dot_plot, median_ratio
from benchmarks.rig import ROOT

PEERS = ROOT / "benchmarks" / "peers"


def sample(contender: str, events: int, seconds: float, cpu: float) -> Sample:
    return Sample(contender, "", events, seconds, {"worker": cpu / 2, "postgres": cpu / 2}, 0, 0, 0.0, 0.0, 0.0)


def test_a_ratio_is_formed_within_a_round() -> None:
    quiet = [sample("foliot", 6000, 1, 1), sample("celery", 200, 1, 1)]
    busy = [sample("foliot", 1000, 1, 1), sample("celery", 10, 1, 1)]
    middling = [sample("foliot", 4000, 1, 1), sample("celery", 100, 1, 1)]

    ratio = median_ratio([quiet, busy, middling], "foliot", "celery", lambda one: one.events_per_s)

    assert ratio == 40


def test_cpu_an_event_is_the_sum_of_the_parts() -> None:
    one = sample("foliot", 1000, 2, 0.3)

    assert one.cpu_us_per_event == pytest.approx(300)
    assert one.events_per_s == 500


def test_a_plot_is_well_formed_and_has_a_dot_for_each_value() -> None:
    svg = ET.fromstring(  # noqa: S314 - our own text
        dot_plot("a < b", "µs", [Row("x", [3, 30]), Row("y", [400], is_subject=True)])
    )

    dots = [float(dot.attrib["cx"]) for dot in svg.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(dots) == 3
    assert dots == sorted(dots)


@pytest.mark.parametrize("file", sorted(PEERS.glob("requirements-*.txt")), ids=lambda file: file.stem)
def test_what_a_peer_needs_is_pinned_with_hashes_and_names_no_registry(file: object) -> None:
    text = (PEERS / str(file)).read_text()

    wanted = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert wanted
    assert all("==" in line and line.endswith("\\") for line in wanted)
    assert "://" not in text


def test_programs_of_peers_import_nothing_of_foliot_and_nothing_of_the_rig() -> None:
    imported = {
        name
        for file in PEERS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in _names(node)
        if name.startswith(("foliot", "benchmarks"))
    }

    assert all(name.startswith("benchmarks.peers") for name in imported), imported


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return []
