"""Databases that scenarios start from, and processes that do their parts."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from addresses import PostgresAt
from integration.crashes.dump import Dump, dump
from integration.crashes.hands import Site
from integration.crashes.scenarios import Scenario
from psycopg import sql

_PASSWORD = "foliot"  # noqa: S105 - of roles on a server for tests


@dataclass(frozen=True)
class Ran:
    """How a process ended: its exit status, and the points that it passed."""

    status: int
    passed: list[str]


@dataclass
class Stage:
    """Runs parts of scenarios in processes of their own, in copies of databases that were prepared once."""

    server: PostgresAt
    empty: str
    kafka: Callable[[], str]
    forks: subprocess.Popen[str]
    admin: psycopg.Connection[tuple[object, ...]]
    _prepared: dict[object, str] = field(default_factory=dict)
    _ends: dict[str, Dump] = field(default_factory=dict)

    @contextmanager
    def scene(self, scenario: Scenario) -> Iterator[Scene]:
        """Give a prepared database, which goes afterwards."""
        if scenario.prepare not in self._prepared:
            template = self._copy(self.empty)
            ran = Scene(self, scenario, template).run("prepare")
            assert ran.status == 0, f"preparing {scenario.name!r} failed: see the output"
            self.wait_alone(template)
            self._prepared[scenario.prepare] = template
        name = self._copy(self._prepared[scenario.prepare])
        yield Scene(self, scenario, name)
        self.drop(name)

    def end_of(self, scenario: Scenario) -> Dump:
        """Tell how the scenario ends that nobody interrupts."""
        if scenario.name not in self._ends:
            with self.scene(scenario) as scene:
                ran = scene.run("act")
                assert ran.status == 0, "see the output"
                self._ends[scenario.name] = scene.dump()
        return self._ends[scenario.name]

    def wait_alone(self, name: str) -> None:
        """Wait until nobody is connected: a killed process's transactions are rolled back then."""
        deadline = time.monotonic() + 60
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        while self.admin.execute(count, (name,)).fetchone() != (0,):
            assert time.monotonic() < deadline, "a killed process is still connected"
            time.sleep(0.005)

    def close(self) -> None:
        for name in self._prepared.values():
            self.drop(name)

    def drop(self, name: str) -> None:
        self.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _copy(self, template: str) -> str:
        name = f"foliot_crash_{secrets.token_hex(6)}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self.admin.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        return name


@dataclass(frozen=True)
class Scene:
    """One database of one scenario."""

    stage: Stage
    scenario: Scenario
    name: str

    def run(self, part: str, *, crash_at: str = "") -> Ran:
        """Do a part in a process of its own."""
        forks = self.stage.forks
        order = {
            "scenario": self.scenario.name,
            "part": part,
            "dsn": self.service,
            "kafka": self.stage.kafka() if self.scenario.name == "relay" else "",
            "crash_at": crash_at,
        }
        assert forks.stdin is not None
        assert forks.stdout is not None
        forks.stdin.write(json.dumps(order) + "\n")
        forks.stdin.flush()
        answer = json.loads(forks.stdout.readline())
        self.stage.wait_alone(self.name)
        return Ran(answer["status"], answer["passed"])

    @property
    def service(self) -> str:
        return self.stage.server.dsn_of(self.name, role="foliot_service", password=_PASSWORD)

    @property
    def site(self) -> Site:
        return Site(self.service)

    def dump(self) -> Dump:
        return dump(self.stage.server.dsn_of(self.name))
