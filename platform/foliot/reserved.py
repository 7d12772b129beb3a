"""Which events nobody may send: the one rule about event types that definitions and the wire share."""

from __future__ import annotations

import re
from typing import Final

RESERVED_EVENT: Final = re.compile(r"after\.[0-9]+\.|done\.state(?:\.|\Z)|error\.execution(?:\.|\Z)")
"""Types, by their beginning, that Foliot alone gives; others' events would pass for timeouts, completions or errors."""
