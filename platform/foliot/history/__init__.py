"""The past of instances: what is, what was, and the proof that the one follows from the other."""

from foliot.history.letters import DeadLetter, DeadLetterText, UnknownDeadLetter, list_dead_letters, show_dead_letter
from foliot.history.reading import (
    InstanceView,
    JournalEntry,
    UnknownInstance,
    history,
    show,
)
from foliot.history.verifying import FINDINGS_MAX, Finding, Verified, verify

__all__ = [
    "FINDINGS_MAX",
    "DeadLetter",
    "DeadLetterText",
    "Finding",
    "InstanceView",
    "JournalEntry",
    "UnknownDeadLetter",
    "UnknownInstance",
    "Verified",
    "history",
    "list_dead_letters",
    "show",
    "show_dead_letter",
    "verify",
]
