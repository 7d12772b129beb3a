"""What a machine does that is hardly meant, found before it runs."""

from foliot.analysis.examining import check_example, check_strictly, examine
from foliot.analysis.findings import Finding

__all__ = ["Finding", "check_example", "check_strictly", "examine"]
