"""Other languages of machines than Foliot's own, and what a diagnostic of any of them means."""

from foliot.languages.explaining import Example, Explanation, explain
from foliot.languages.reading import check, load, read

__all__ = ["Example", "Explanation", "check", "explain", "load", "read"]
