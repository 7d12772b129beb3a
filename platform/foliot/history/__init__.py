"""The past of instances: what is, what was, and the proof that the one follows from the other."""

from foliot.history.reading import (
    InstanceView,
    JournalEntry,
    UnknownInstance,
    history,
    show,
)
from foliot.history.verifying import Finding, Verified, verify

__all__ = ["Finding", "InstanceView", "JournalEntry", "UnknownInstance", "Verified", "history", "show", "verify"]
