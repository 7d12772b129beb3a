"""Seeded, realistic traffic of an incident desk: bursts, four lanes, duplicates, out-of-date and malformed records.

Everything is decided by the seed, and each record says what must become of it, so that a checker can hold Foliot to it.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import orjson

from foliot.cloudevents import DEFAULT_TENANT, DEFAULT_TOPIC_PREFIX, Event, Lane, address_text, kafka_record, lane_topic

Expectation = Literal["applied", "duplicate", "dead"]
SOURCE: Final = "demo/incident-desk"
MACHINE: Final = "incident"
PAGES: Final = "foliot.demo.pages"
"""The topic to which the incident machine sends."""
DUPLICATES: Final = 0.01
MALFORMED: Final = 0.002
OUT_OF_DATE: Final = 0.01
OPEN_MAX: Final = 400
"""Incidents that are worked on at the same time."""

# What may happen to an incident in each phase of its life: (type, next phase, lane, weight).
_LIFE: Final[dict[str, tuple[tuple[str, str, Lane, int], ...]]] = {
    "waiting": (
        ("acknowledged", "working", "high", 55),
        ("noted", "waiting", "low", 20),
        ("reprioritized", "waiting", "normal", 20),
        ("closed", "waiting", "normal", 5),
    ),
    "working": (
        ("noted", "working", "low", 50),
        ("escalated", "escalated", "critical", 8),
        ("suspended", "working", "normal", 6),
        ("resumed", "working", "normal", 6),
        ("resolved", "resolved", "normal", 20),
        ("reprioritized", "working", "normal", 10),
    ),
    "escalated": (
        ("acknowledged", "working", "critical", 60),
        ("noted", "escalated", "low", 30),
        ("resolved", "resolved", "high", 10),
    ),
    "resolved": (("closed", "gone", "normal", 80), ("reopened", "waiting", "high", 20)),
}
_TITLES: Final = ("disk full", "login fails", "mail queue grows", "VPN drops", "certificate expires", "API answers 503")


@dataclass(frozen=True, slots=True)
class Planned:
    """A record to be produced. `value` is the Kafka record's value, `burst` numbers the burst that it belongs to."""

    lane: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    expect: Expectation
    burst: int
    event: dict[str, Any] | None = field(default=None)
    """id, source, type, time and data of a well-formed event; None for a record that is none."""

    @property
    def topic(self) -> str:
        """Name the lane's topic."""
        return lane_topic(DEFAULT_TOPIC_PREFIX, self.lane)

    @property
    def kafka_key(self) -> str:
        """Write the address: records of one instance and lane stay in order."""
        return address_text(DEFAULT_TENANT, MACHINE, self.key)

    def line(self) -> bytes:
        """Write the record as a line for `foliot send --file`."""
        document = {
            "topic": self.topic,
            "key": self.kafka_key,
            "headers": {name: value.decode() for name, value in self.headers},
            "value_base64": base64.b64encode(self.value).decode(),
        }
        return orjson.dumps(document) + b"\n"


def incidents(seed: int, records: int, *, began: datetime | None = None) -> Iterator[Planned]:
    """Give `records` records; the same seed and `began` give the same bytes."""
    desk = _Desk(random.Random(seed), began or datetime(2026, 1, 5, 8, 0, tzinfo=UTC))  # noqa: S311 - traffic, no secret
    for _ in range(records):
        yield desk.next()


class _Desk:
    def __init__(self, chance: random.Random, now: datetime) -> None:
        self._chance = chance
        self._now = now
        self._phases: dict[str, str] = {}
        self._open: list[str] = []
        self._born = 0
        self._sent = 0
        self._burst = 0
        self._recent: list[Planned] = []

    def next(self) -> Planned:
        """Give the next record."""
        self._pass_time()
        luck = self._chance.random()
        if self._recent and luck < DUPLICATES:
            before = self._chance.choice(self._recent)
            return Planned(
                before.lane, before.key, before.value, before.headers, "duplicate", self._burst, before.event
            )
        if luck < DUPLICATES + MALFORMED:
            return self._malformed()
        planned = self._event()
        if len(self._recent) < 200:
            self._recent.append(planned)
        else:
            self._recent[self._chance.randrange(200)] = planned
        return planned

    def _pass_time(self) -> None:
        # A burst: something breaks, and many incidents speak within seconds.
        if self._chance.random() < 0.002:
            self._burst += 1
            self._now += timedelta(minutes=self._chance.uniform(1, 20))
        self._now += timedelta(milliseconds=self._chance.expovariate(1 / 200))

    def _event(self) -> Planned:
        if not self._open or (len(self._open) < OPEN_MAX and self._chance.random() < 0.12):
            return self._birth()
        key = self._open[self._chance.randrange(len(self._open))]
        choices = _LIFE[self._phases[key]]
        type_, phase, lane, _ = self._chance.choices(choices, [choice[3] for choice in choices])[0]
        self._phases[key] = phase
        if phase == "gone":
            self._open.remove(key)
            del self._phases[key]
        data: dict[str, Any] = {}
        if type_ == "reprioritized":
            data = {"severity": self._chance.randint(1, 5)}
        elif type_ == "noted":
            data = {"text": f"checked {self._chance.choice(_TITLES)}, next look in {self._chance.randint(5, 90)} min"}
        return self._plan(key, type_, lane, data)

    def _birth(self) -> Planned:
        self._born += 1
        key = f"INC-{self._born:06d}"
        self._phases[key] = "waiting"
        self._open.append(key)
        title = self._chance.choice(_TITLES)
        # In the lane of its first steps: only events of one lane are sure to keep their order.
        return self._plan(key, "reported", "critical", {"severity": self._chance.randint(1, 5), "title": title})

    def _plan(self, key: str, type_: str, lane: Lane, data: dict[str, Any]) -> Planned:
        self._sent += 1
        moment = self._now
        if self._chance.random() < OUT_OF_DATE:
            moment -= timedelta(days=self._chance.uniform(1, 400))
        event = Event(
            machine=MACHINE,
            key=key,
            type=type_,
            data=data,
            source=SOURCE,
            id=f"d{self._sent:07d}",
            time=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            lane=lane,
        )
        record = kafka_record(event)
        said = {"id": event.id, "source": SOURCE, "type": type_, "time": event.time, "data": data}
        return Planned(lane, key, record.value or b"", record.headers, "applied", self._burst, said)

    def _malformed(self) -> Planned:
        """Break a good event in one of the ways that producers do it."""
        self._sent += 1
        key = f"INC-{max(1, self._born):06d}"
        if self._chance.random() < 0.2:
            # A good envelope whose data does not fit its schema: found out when it is stepped.
            plan = self._plan(key, "noted", "normal", {"text": 7})
            return replace(plan, expect="dead")
        plan = self._plan(key, "noted", "normal", {"text": "x"})
        good = orjson.loads(plan.value)
        ways: tuple[bytes, ...] = (
            b"{not json",
            orjson.dumps({**good, "specversion": "0.3"}),
            orjson.dumps({name: value for name, value in good.items() if name != "id"}),
            orjson.dumps({**good, "foliotmachine": "incidnet"}),
            orjson.dumps({**good, "time": "yesterday"}),
            orjson.dumps({name: value for name, value in good.items() if name != "subject"}),
            orjson.dumps(good).replace(b'"x"', b'"\\u0000"'),
            b"\xff\xfe" + orjson.dumps(good),
        )
        return replace(plan, value=self._chance.choice(ways), expect="dead", event=None)
