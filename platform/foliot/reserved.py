"""Which events nobody may send, and to which topics: the rules that definitions and the wire share."""

from __future__ import annotations

import re
from typing import Final

RESERVED_EVENT: Final = re.compile(r"after\.[0-9]+\.|done\.state(?:\.|\Z)|error\.execution(?:\.|\Z)")
"""Types, by their beginning, that Foliot alone gives; others' events would pass for timeouts, completions or errors."""
RESERVED_TOPIC: Final = re.compile(r"__")
"""Topics, by their beginning, that are Kafka's own: no machine may send there."""
