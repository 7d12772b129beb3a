"""One whole Foliot on this machine: servers, a database with the incident machine, topics, and the programs."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final, Literal, NoReturn

import psycopg
from acceptance.rig.programs import FOLIOT, Program, kill_the_rest, reap_orphans
from faults.proxy import Proxy

from foliot import registry, store
from foliot.local import ApacheKafka, Postgres, Server, Tansu, Valkey
from foliot.local.child import adopt_orphans
from foliot.settings import Settings
from foliot.store import schema
from foliot_ingest.topics import make_topics, own_topics

ROOT: Final = Path(__file__).parents[3]
MACHINES: Final = tuple(ROOT / "examples" / "incident" / f"incident.v{version}.yaml" for version in (1, 2, 3))
PAGES: Final = "foliot.demo.pages"
TENANT: Final = "default"
MACHINE: Final = "incident"
KINDS: Final = ("worker", "ingest", "relay")
_READY_S_MAX: Final = 90.0
_DATABASE: Final = "foliot"
KafkaKind = Literal["apache", "tansu"]


class World:
    """The parts of one run; made by `open_world`, which also takes it all away again."""

    def __init__(self, folder: Path, *, kafka: KafkaKind, shards: int, settings: Mapping[str, object]) -> None:
        self.folder = folder
        self.evidence = folder / "evidence"
        self.logs = folder / "logs"
        self.postgres = Postgres(folder)
        self.valkey = Valkey(folder)
        self.kafka: Server = ApacheKafka(folder) if kafka == "apache" else Tansu(folder)
        self.proxy: Proxy
        self.programs: dict[str, Program] = {}
        self._shards = shards
        self._settings = dict(settings)
        for made in (self.evidence, self.logs):
            made.mkdir()
        (self.evidence / "faults.jsonl").touch()

    @property
    def servers(self) -> dict[str, Server]:
        """The servers by the names that faults use."""
        return {"postgres": self.postgres, "valkey": self.valkey, "kafka": self.kafka}

    @property
    def dsn_owner(self) -> str:
        """The owner's way into the database."""
        return self.postgres.dsn_of(_DATABASE)

    @property
    def dsn_service(self) -> str:
        """The straight way of the service role."""
        return self.postgres.dsn_of(_DATABASE, role="foliot_service")

    def environment(self, *, proxied: bool = False, **changes: object) -> dict[str, str]:
        """Write the settings of a program; `proxied` leads it to Postgres through the proxy."""
        # The proxy follows the protocol from its first byte, so nothing may be encrypted.
        dsn = f"postgresql://foliot_service@{self.proxy.address}/{_DATABASE}?sslmode=disable&gssencmode=disable"
        values: dict[str, object] = {
            "dsn_service": dsn if proxied else self.dsn_service,
            "kafka": self.kafka.address,
            "broker_url": self.valkey.url,
            "log_format": "json",
            **self._settings,
            **changes,
        }
        return {f"FOLIOT_{name.upper()}": str(value) for name, value in values.items()}

    def settings(self) -> Settings:
        """Give the harness's own settings."""
        return Settings(dsn_service=self.dsn_service, kafka=self.kafka.address, broker_url=self.valkey.url)

    def add(self, name: str, *words: str, proxied: bool = False, **changes: object) -> Program:
        """Start `foliot <words>` under a name."""
        return self.add_process(name, (*FOLIOT, *words), proxied=proxied, **changes)

    def add_process(self, name: str, argv: tuple[str, ...], *, proxied: bool = False, **changes: object) -> Program:
        """Start any program with the settings of this world under a name."""
        program = Program(name, argv, self.environment(proxied=proxied, **changes), logs=self.logs)
        self.programs[name] = program
        program.look()
        return program

    def start(self) -> None:
        """Start the servers, make the database and the topics, publish the three versions of the incident machine."""
        for server in self.servers.values():
            server.start()
        self.postgres.create_database(_DATABASE)
        schema.upgrade(self.dsn_owner, shards=self._shards)
        with contextlib.closing(store.connect(self.dsn_service, application="harness")) as connection:
            for machine in MACHINES:
                registry.publish(connection, TENANT, machine.read_bytes(), filename=machine.name, by="harness")
        settings = self.settings()
        make_topics(settings, (*own_topics(settings), PAGES), name="harness")

    def start_programs(self, *, each: int) -> None:
        """Start `each` workers, ingesters and relays, the last of each behind the proxy, and wait until all are ready.

        Raises:
            RuntimeError: they are not in time.
        """
        for number in range(1, each + 1):
            for kind in KINDS:
                self.add(f"{kind}{number}", kind, proxied=number == each)
        if not self.wait(self._ready, seconds_max=_READY_S_MAX, pause_seconds=0.2):
            tails = "\n".join(f"{name}: {program.tail()}" for name, program in self.programs.items())
            raise RuntimeError(f"the programs were not ready in {_READY_S_MAX:g} s\n{tails}")

    def _ready(self) -> bool:
        workers = [program for name, program in self.programs.items() if name.startswith(KINDS[0])]
        lanes = len(own_topics(self.settings())) - 1
        [(placed,)] = self.query("SELECT count(DISTINCT topic) FROM offsets")
        logged = all(program.log.stat().st_size for program in self.programs.values())
        return logged and placed == lanes and all(len(worker.grandchildren()) >= 2 for worker in workers)

    def query(self, text: str) -> list[tuple[object, ...]]:
        """Ask the database in a transaction of its own."""
        with psycopg.connect(self.dsn_service, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(text.encode()).fetchall()

    def look(self) -> None:
        """Start again what has ended, and collect orphans."""
        for program in self.programs.values():
            program.look()
        pids = [program.pid for program in self.programs.values()]
        pids += [server.child.pid for server in self.servers.values()]
        reap_orphans(frozenset(pid for pid in pids if pid is not None))

    def end_programs(self, *, grace_seconds: float = 20.0) -> dict[str, int]:
        """Ask all programs to end; give their exit codes."""
        return {name: program.end(grace_seconds=grace_seconds) for name, program in self.programs.items()}

    def note_fault(self, kind: str, **about: object) -> None:
        """Write a line of the fault log: this was broken now."""
        line = {"kind": kind, "at": time.time_ns() // 1000, **about}
        with (self.evidence / "faults.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def wait(self, happened: Callable[[], bool], *, seconds_max: float, pause_seconds: float = 0.1) -> bool:
        """Keep the programs running until something has happened; False when the time was up first."""
        deadline = time.monotonic() + seconds_max
        while not happened():
            if time.monotonic() > deadline:
                return False
            self.look()
            time.sleep(pause_seconds)
        return True

    def close(self) -> list[str]:
        """End everything at once; give what was left over and had to be killed."""
        for program in self.programs.values():
            program.kill()
        for server in reversed(self.servers.values()):
            server.kill()
        return kill_the_rest()


@contextlib.contextmanager
def open_world(*, kafka: KafkaKind, shards: int = 64, **settings: object) -> Iterator[World]:
    """Make a world in a folder of its own; afterwards nothing of it is left, also after Ctrl-C and SIGTERM.

    Call it in the main thread of a process that has no other children.
    """
    adopt_orphans()
    before = signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="foliot-acceptance-"))
    # PostgreSQL runs as another account where this one is root.
    folder.chmod(0o755)
    world = World(folder, kafka=kafka, shards=shards, settings=settings)
    try:
        with Proxy(world.postgres.address, postgres=True) as world.proxy:
            world.start()
            try:
                yield world
            finally:
                world.close()
    finally:
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
