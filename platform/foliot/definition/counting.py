"""Counts what is read, so that a text is refused at the first value too many."""

from __future__ import annotations

from foliot.definition.diagnostics import Faults, ReadingStopped
from foliot.definition.tree import Place


class ValueCount:
    """The values of one text so far."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._count = 0

    def add(self, place: Place, depth: int) -> None:
        """Count one value; `depth` is 1 for the outermost.

        Raises:
            ReadingStopped: there are too many, or this one is nested too deeply.
        """
        limits = self._faults.limits
        self._count += 1
        if self._count > limits.node_count_max:
            what = f"There are more than {limits.node_count_max} values."
            self._faults.error("D104", place, what, "Split the machine.")
            raise ReadingStopped(what)
        if depth > limits.depth_max:
            what = f"Values are nested deeper than {limits.depth_max}."
            self._faults.error("D103", place, what, "Make it flatter.")
            raise ReadingStopped(what)
