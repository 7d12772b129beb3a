"""What an evaluation may cost.

A unit is one turn of a short loop, about a microsecond. Strings are read at some bytes a nanosecond, elements of lists
at some nanoseconds each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from foliot.cel.failures import CelBudgetExceeded

COST_MAX: Final = 100_000
CHARACTERS_PER_UNIT: Final = 1024
ELEMENTS_PER_UNIT: Final = 8
# Joining copies references, and compares nothing.
JOINED_PER_UNIT: Final = 64
# Nodes of a loop's body; a turn of a long body costs more than one unit.
NODES_PER_UNIT: Final = 16
# Code points of a string, bytes, or elements of a list that an operation makes.
MADE_LENGTH_MAX: Final = 4 * 1024 * 1024


class Meter:
    """What one evaluation has cost so far."""

    __slots__ = ("budget", "spent")

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.spent = 0

    def charge(self, units: int) -> None:
        """Add to the cost.

        Raises:
            CelBudgetExceeded: it is more than the budget.
        """
        self.spent += units
        if self.spent > self.budget:
            raise CelBudgetExceeded(self.budget)


def charge_length(meter: Meter | None, value: Any) -> None:
    """Charge for one pass over a string, bytes, a list or a map."""
    if meter is not None and isinstance(value, (str, bytes)):
        meter.charge(len(value) // CHARACTERS_PER_UNIT)
    elif meter is not None and isinstance(value, (list, Mapping)):
        meter.charge(len(value) // ELEMENTS_PER_UNIT)
