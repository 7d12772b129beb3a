"""The numbers and words that rows are written with. Fixed: rows that exist have them."""

from __future__ import annotations

from typing import Final

QUEUES: Final = 8
"""Lane times {within quota, over quota}."""

KIND_EVENT: Final = 0
KIND_TIMER: Final = 1

JOURNAL_KINDS: Final = ("event", "start", "migrate", "rollback", "fork", "repair", "checkpoint")
"""journal.kind is an index into this."""
JOURNAL_OUTCOMES: Final = ("taken", "ignored", "deferred")
"""journal.outcome is an index into this."""
