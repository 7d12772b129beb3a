"""What was measured, as JSON, as a page and as plots."""

from benchmarks.report.figures import Figures, as_figures, median_ratio
from benchmarks.report.page import as_page, as_summary
from benchmarks.report.plots import Row, dot_plot
from benchmarks.report.targets import Target, judge
from benchmarks.report.writing import read_others, write_json, write_report

__all__ = [
    "Figures",
    "Row",
    "Target",
    "as_figures",
    "as_page",
    "as_summary",
    "dot_plot",
    "judge",
    "median_ratio",
    "read_others",
    "write_json",
    "write_report",
]
