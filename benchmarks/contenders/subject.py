"""Foliot, as a contender."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import ClassVar, Final

import orjson

from benchmarks.contenders.contender import Batch, Programs, Setting, State
from benchmarks.rig import ROOT, Rig

_FOLIOT: Final = (sys.executable, "-m", "foliot.cli")
_MACHINE: Final = ROOT / "examples" / "incident" / "incident.v1.yaml"


class Subject:
    """An ingester and a worker, from Kafka to PostgreSQL, woken through Valkey.

    A setting's options say otherwise: `ingesters`, so many processes, and `children`, as many of the worker's children
    that serve all lanes. Those that serve urgent lanes only are beside them, as many as always.

    Args:
        name: of its database, topics and consumer group; several subjects stand side by side on one rig.
        relay: also run the relay, which announces every step on a Kafka topic; the peers do nothing of the kind.
    """

    servers: ClassVar[tuple[str, ...]] = ("postgres", "kafka", "valkey")
    journals: ClassVar[tuple[str, ...]] = ("journal", "batches", "intakes")
    presents: ClassVar[tuple[str, ...]] = ("instances",)
    ring: ClassVar[tuple[str, ...]] = ("inbox", "dedupe", "outbox", "timers")
    whole: ClassVar[bool] = True
    events_per_s_max: ClassVar[int] = 30_000

    def __init__(self, name: str = "foliot", *, relay: bool = False) -> None:
        self.name = name
        self.title = "Foliot and its relay" if relay else "Foliot"
        self.settings: tuple[Setting, ...] = (Setting("one ingester, one worker" + (", one relay" if relay else "")),)
        self._prefix = f"{name}.events"
        self._programs = ("worker", "ingest", "relay") if relay else ("worker", "ingest")

    def prepare(self, rig: Rig) -> None:
        """Migrate, make the topics and publish the machine."""
        for arguments in (("db", "upgrade"), ("topics",), ("publish", str(_MACHINE))):
            rig.run((*_FOLIOT, *arguments), f"{self.name}-{arguments[0]}", self.environment(rig))

    def fill(self, rig: Rig, setting: Setting, batch: Batch) -> None:  # noqa: ARG002 - a topic is filled in one way
        """Put the batch on the topic of one lane."""
        rig.run(self.producer(rig, batch.load), f"{self.name}-load", {})

    def producer(self, rig: Rig, load: tuple[str, ...]) -> tuple[str, ...]:
        """Say how the producer is started for this subject's topic."""
        topic = f"{self._prefix}.normal"
        return (sys.executable, "-m", "benchmarks.load", *load, "--kafka", rig.kafka.address, "--topic", topic)

    def start(self, rig: Rig, setting: Setting, batch: Batch) -> Programs:  # noqa: ARG002 - its topic has the batch
        """Start the programs; ingesters beyond the first are `ingest-2` and so on."""
        environment = self.environment(rig)
        if "children" in setting.options:
            environment["FOLIOT_WORKER_CHILDREN"] = str(setting.options["children"])
        more = range(2, int(setting.options.get("ingesters", 1)) + 1)
        commands = {name: name for name in self._programs} | {f"ingest-{number}": "ingest" for number in more}
        return {
            name: rig.spawn((*_FOLIOT, command), f"{self.name}-{name}", environment)
            for name, command in commands.items()
        }

    def taken(self, rig: Rig) -> int:
        """Count the events accepted into the inbox."""
        return rig.database(self.name).number("SELECT sum(x) FROM heads, unnest(numbers) x")

    def done(self, rig: Rig) -> int:
        """Count the events that cursors have passed."""
        return rig.database(self.name).number("SELECT sum(x) FROM cursors, unnest(numbers) x")

    def clear(self, rig: Rig) -> None:
        """Nothing waits: the window ends when all is applied."""

    def state(self, rig: Rig, key: str) -> State | None:
        """Look at one incident."""
        rows = rig.database(self.name).rows("SELECT state FROM instances WHERE key = %s", key)
        if not rows:
            return None
        state = orjson.loads(str(rows[0][0]))
        context = state["context"]
        return (state["configuration"][0], context["chain"], context["seen"], context["notes"])

    def version(self) -> str:
        """Name Foliot."""
        return f"foliot {version('foliot')}"

    def environment(self, rig: Rig) -> dict[str, str]:
        """Give what Foliot's programs read."""
        rig.database(self.name)
        return {
            "FOLIOT_DSN_OWNER": rig.postgres.dsn_of(self.name),
            "FOLIOT_DSN_SERVICE": rig.postgres.dsn_of(self.name, role="foliot_service"),
            "FOLIOT_DSN_FRONT": rig.postgres.dsn_of(self.name, role="foliot_front"),
            "FOLIOT_KAFKA": rig.kafka.address,
            "FOLIOT_BROKER_URL": rig.valkey.url,
            "FOLIOT_TOPIC_PREFIX": self._prefix,
            "FOLIOT_GROUP": f"{self._prefix}.ingest",
            "FOLIOT_LOG_LEVEL": "warning",
            # As docs/how-to/run-it-for-real.md has it for a machine that all parts share.
            "FOLIOT_NICE": "10",
        }
