"""The list of what must hold. README.md explains each name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from checker import accounts, delivery, offsets, order
from checker.case import Case
from checker.finding import Finding, Tally


def states_equal_their_folds(case: Case, tally: Tally) -> Iterator[Finding]:
    """Hand over what the fold found."""
    tally.checked = case.fold.folded
    yield from case.fold.findings
    if case.fold.skipped:
        what = f"{case.fold.skipped} rows of machines that only Foliot knows were not folded"
        yield Finding("I2_unfolded", what, "all shards", "note" if case.fold.folded else "red")


@dataclass(frozen=True, slots=True)
class Invariant:
    """A check, and the names under which it reports."""

    title: str
    check: Callable[[Case, Tally], Iterator[Finding]]
    names: tuple[str, ...]


INVARIANTS: Final = (
    Invariant(
        "I1 events are accounted for",
        accounts.events_are_accounted_for,
        (
            "I1_lost",
            "I1_doubled",
            "I1_invented",
            "I1_pending",
            "I1_stuck",
            "I1_unexpected_dead",
            "I1_unexpected_applied",
        ),
    ),
    Invariant(
        "I1 bad records are in the dead letters",
        accounts.bad_records_are_in_the_dead_letters,
        ("I1_vanished", "I1_invented", "I1_pending"),
    ),
    Invariant(
        "I2 states equal their folds",
        states_equal_their_folds,
        (
            "I2_state",
            "I2_stored",
            "I2_hash",
            "I2_outcome",
            "I2_version",
            "I2_schema",
            "I2_migrate",
            "I2_unfolded",
        ),
    ),
    Invariant("I3 the journal has no gap", order.journal_has_no_gap, ("I3_journal_gap", "I3_chain", "I3_identity")),
    Invariant("I4 lanes are in order", order.lanes_are_in_order, ("I4_order", "I4_arrival")),
    Invariant(
        "I4 batches take higher lanes first",
        order.batches_take_higher_lanes_first,
        ("I4_lane", "I4_share", "I5_accounts", "I5_cursor"),
    ),
    Invariant(
        "I5 batches do not overlap",
        order.batches_do_not_overlap,
        ("I5_overlap", "I5_n", "I5_token", "I5_numbering", "I5_cursor", "I5_conflict"),
    ),
    Invariant(
        "I6 offsets cover what was taken",
        offsets.offsets_cover_what_was_taken,
        ("I6_tiling", "I6_ahead", "I6_counts", "I6_dead", "I6_stopped"),
    ),
    Invariant(
        "I6 numbers are accounted for",
        offsets.numbers_are_accounted_for,
        ("I6_numbers", "I6_ahead", "I6_unbacked"),
    ),
    Invariant(
        "I7 messages are seen",
        delivery.messages_are_seen,
        ("I7_missing", "I7_invented", "I7_order", "I7_bytes", "I7_content", "I7_count", "I7_pending"),
    ),
    Invariant("I7 changes are seen", delivery.changes_are_seen, ("I7_changes_gap", "I7_changes_content")),
    Invariant(
        "I8 timers fire once and in time",
        delivery.timers_fire_once_and_in_time,
        ("I8_early", "I8_twice", "I8_stale", "I8_missing", "I8_overdue"),
    ),
    Invariant("I12 dead letters are complete", accounts.dead_letters_are_complete, ("I12_incomplete", "I1_vanished")),
)
