import json

from benchmarks.report import as_page, as_summary, read_others
from benchmarks.rig import ROOT

REPORT = ROOT / "docs" / "benchmarks"


def test_the_page_says_what_the_figures_say() -> None:
    figures = json.loads((REPORT / "contest.json").read_text())

    page = as_page(figures, read_others(REPORT))

    assert page == (REPORT / "README.md").read_text(), "Write it anew: python -m benchmarks page"


def test_the_readme_begins_with_the_same_figures() -> None:
    figures = json.loads((REPORT / "contest.json").read_text())

    assert as_summary(figures) in (ROOT / "README.md").read_text(), "Write it anew: benchmarks.report.as_summary"
