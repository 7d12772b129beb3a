"""What the tests of the workers share: a database with the incident machine, and a running worker."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
import psycopg
from addresses import Database

from foliot import store
from foliot.registry import load_catalog, publish
from foliot.runtime import Arrival, Wake, payload_hash, take_in

INCIDENT = Path(__file__).parents[3] / "examples" / "incident" / "incident.v1.yaml"
COMMAND = "import typer; from foliot_workers.running import worker; typer.run(worker)"


def wait_for(happened: Callable[[], bool], *, seconds: float = 60.0, what: str = "it") -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


@dataclass
class Site:
    """A database with the incident machine."""

    database: Database
    connection: store.Connection
    sent: int = 0
    lanes: Sequence[int] = (0, 1, 2, 3)

    def __post_init__(self) -> None:
        publish(self.connection, "default", INCIDENT.read_bytes(), filename="incident.v1.yaml", by="test")

    def send(self, key: str, count: int = 1, *, lane: int = 2, wake: Wake | None = None, name: str = "e") -> None:
        """Take `count` events for one key into the inbox, the first of them `reported`."""
        self.send_all([(key, lane, f"{name}{number}") for number in range(count)], wake=wake)

    def send_all(self, events: Sequence[tuple[str, int, str]], *, wake: Wake | None = None) -> None:
        catalog = load_catalog(self.connection)
        tenant = catalog.tenant("default")
        assert tenant is not None
        machine = catalog.machine(tenant, "incident")
        assert machine is not None
        arrivals = []
        for key, lane, id_ in events:
            type_, data = "reported", orjson.dumps({"severity": 3}).decode()
            arrivals.append(
                Arrival(
                    *(tenant, machine.number, key, lane, f"{key}-{id_}", "test", type_, None, data, None, None),
                    payload_hash(catalog.secret, type_, None, data),
                )
            )
        receipt = take_in(self.connection, catalog, arrivals, (), (), writer="test")
        self.sent += receipt.accepted
        if wake is not None:
            wake.wake(receipt.shards)

    def query(self, text: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.owner, autocommit=True) as connection:
            return connection.execute(text.encode()).fetchall()

    def stepped(self) -> int:
        (count,) = self.query("SELECT count(*) FROM journal WHERE kind = 0")[0]
        assert isinstance(count, int)
        return count

    def wait_until_stepped(self, *, seconds: float = 60.0) -> None:
        wait_for(lambda: self.stepped() >= self.sent, seconds=seconds, what=f"stepping {self.sent} events")

    def assert_each_applied_once(self) -> None:
        (events, ids) = self.query("SELECT count(*), count(DISTINCT event_id) FROM journal WHERE kind = 0")[0]
        assert (events, ids) == (self.sent, self.sent)


@dataclass
class Worker:
    """A real `foliot worker`."""

    process: psutil.Popen
    log: Path
    seen: set[psutil.Process] = field(default_factory=set)

    def family(self) -> list[psutil.Process]:
        """All processes below the command, those of Celery and their children."""
        family = self.process.children(recursive=True)
        self.seen.update(family)
        return family

    def hands(self) -> list[psutil.Process]:
        return self.process.children()

    def children(self, lane_class: str = "") -> list[psutil.Process]:
        found = []
        for hand in self.hands():
            # One that is being replaced may go between two questions.
            with contextlib.suppress(psutil.NoSuchProcess):
                if hand.name().startswith(f"foliot-{lane_class}"):
                    found.extend(hand.children())
        return found

    def left(self) -> list[psutil.Process]:
        return [one for one in self.seen if _lives(one)]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.family()
        self.process.send_signal(number)
        return int(self.process.wait(60))


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        # It went between the two questions.
        return False


Start = Callable[..., Worker]
