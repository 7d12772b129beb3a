"""The producer: makes events by seed and puts them where a contender looks for them. Not measured."""

from benchmarks.load.events import EVENT_BYTES, Event, births, incident_events, key_of, make_event

__all__ = ["EVENT_BYTES", "Event", "births", "incident_events", "key_of", "make_event"]
