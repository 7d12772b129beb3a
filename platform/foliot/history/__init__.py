"""The past of instances: what is, what was, and the proof that the one follows from the other."""

from foliot.history.filtering import FilterRefused, FilterTooCostly, StepFilter
from foliot.history.following import Followed, Follower, Gone, Subject, check_epoch, check_kept
from foliot.history.landing import Landings
from foliot.history.letters import DeadLetter, DeadLetterText, UnknownDeadLetter, list_dead_letters, show_dead_letter
from foliot.history.places import SHARDS_AT_ONCE_MAX, InstancePlace, Part, PlaceInvalid, VectorPlace
from foliot.history.progress import NOTHING, Following, Progress, Reached, look
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
    "NOTHING",
    "SHARDS_AT_ONCE_MAX",
    "DeadLetter",
    "DeadLetterText",
    "FilterRefused",
    "FilterTooCostly",
    "Finding",
    "Followed",
    "Follower",
    "Following",
    "Gone",
    "InstancePlace",
    "InstanceView",
    "JournalEntry",
    "Landings",
    "Part",
    "PlaceInvalid",
    "Progress",
    "Reached",
    "StepFilter",
    "Subject",
    "UnknownDeadLetter",
    "UnknownInstance",
    "VectorPlace",
    "Verified",
    "check_epoch",
    "check_kept",
    "history",
    "list_dead_letters",
    "look",
    "show",
    "show_dead_letter",
    "verify",
]
