import json

from benchmarks.report import as_page
from benchmarks.rig import ROOT

REPORT = ROOT / "docs" / "benchmarks"
SCALING = REPORT / "scaling.json"


def test_the_page_says_what_the_figures_say() -> None:
    figures = json.loads((REPORT / "contest.json").read_text())
    scaling = json.loads(SCALING.read_text()) if SCALING.exists() else None

    assert as_page(figures, scaling) == (REPORT / "README.md").read_text(), "Write it anew: python -m benchmarks page"
