from itertools import islice

import orjson
from benchmarks.load import EVENT_BYTES, births, incident_events
from benchmarks.peers.incident import INITIAL
from benchmarks.peers.incident import step as step_by_hand
from benchmarks.rig import ROOT

from foliot.definition import load
from foliot.engine import Event, compile, start, step  # noqa: A004 - the engine's name for it

NOW = 1_767_600_000_000_000


def test_the_table_written_by_hand_does_what_the_machine_does() -> None:
    path = ROOT / "examples" / "incident" / "incident.v1.yaml"
    machine = compile(load(path.read_text(), filename=path.name))
    by_hand, states = {}, {}

    for sent in incident_events(7, 3000, 40):
        read = orjson.loads(sent.document)
        event = Event(read["id"], read["source"], read["type"], read["data"], read["time"], None)
        before = states.get(sent.key) or start(machine, event, NOW).state
        states[sent.key] = step(machine, before, event, NOW).state
        by_hand[sent.key] = step_by_hand(by_hand.get(sent.key, INITIAL), event.id, event.type, read["data"])

    seen = {key: {"at": state.configuration[0], **state.context} for key, state in states.items()}
    assert seen == by_hand


def test_an_event_has_its_size() -> None:
    sizes = {len(event.document) for event in incident_events(1, 500, 20)}

    assert sizes == {EVENT_BYTES}


def test_the_same_seed_gives_the_same_bytes() -> None:
    once, again, other = (list(incident_events(seed, 50, 5)) for seed in (1, 1, 2))

    assert once == again
    assert not {event.id for event in once} & {event.id for event in other}


def test_a_later_call_goes_on_where_an_earlier_one_ended() -> None:
    whole = list(incident_events(3, 200, 10, born=True))

    assert list(incident_events(3, 80, 10, born=True, skip=120)) == whole[120:]


def test_those_that_are_born_get_no_second_birth() -> None:
    born = list(births(3, 10))
    later = list(islice(incident_events(3, 200, 10, born=True), 200))

    assert {event.key for event in born} >= {event.key for event in later}
    assert "reported" not in {event.type for event in later}
    assert not {event.id for event in born} & {event.id for event in later}
