"""The machine of examples/sepsis against the whole public log that it is made for."""

from __future__ import annotations

from collections import Counter

import pytest
from shared_data import ROOT, SHARED

from foliot.definition import load
from foliot.engine import Event, State, compile, start, step  # noqa: A004 - the engine's own word
from foliot_ingest.replay.csv_log import read_csv
from foliot_ingest.replay.entries import Columns, Entry
from foliot_ingest.replay.naming import Rules, event_of

LOG = SHARED / "data" / "sepsis.csv"
MACHINE = ROOT / "examples" / "sepsis" / "machine.yaml"


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """All entries of the log, by time."""
    if not LOG.is_file():
        pytest.skip(f"NO SEPSIS LOG: there is none at {LOG}; set FOLIOT_SHARED; its machine was not tried on it")
    found = list(read_csv(LOG, Columns(), delimiter="", tell=lambda *_: None))
    entries = [entry for entry in found if isinstance(entry, Entry)]
    assert len(entries) == len(found)
    return sorted(entries, key=lambda entry: entry.at)


def test_every_event_of_the_log_fits_and_all_but_one_are_taken(entries: list[Entry]):
    machine = compile(load(MACHINE.read_bytes(), filename=MACHINE.name))
    states: dict[str, State] = {}
    outcomes: Counter[str] = Counter()

    for entry in entries:
        sent = event_of(entry, Rules("sepsis"))
        assert machine.validate_event(sent.type, sent.data) is None
        event = Event(sent.id, sent.source, sent.type, sent.data, sent.time)
        if sent.key not in states:
            states[sent.key] = start(machine, event, 0).state
        done = step(machine, states[sent.key], event, 0)
        states[sent.key] = done.state
        outcomes[done.outcome] += 1

    assert outcomes == {"taken": 15_213, "ignored": 1}
    assert len(states) == 1_050
    ends = Counter(state.configuration[0] for state in states.values())
    assert (ends["returned"], ends["released.a"]) == (294, 394)


def test_no_two_events_of_the_log_have_one_id(entries: list[Entry]):
    ids = {event_of(entry, Rules("sepsis")).id for entry in entries}

    assert len(ids) == len(entries)
