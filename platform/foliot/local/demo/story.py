"""The demo from beginning to end: start, publish, stream, swap, kill, drain, judge."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import ClassVar, Final

import orjson
import psutil
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from rich.console import Console

from foliot.errors import FoliotError
from foliot.local.demo.figures import Figures, look, sizes
from foliot.local.demo.screen import Screen
from foliot.local.demo.workload import PAGES
from foliot.local.supervisor import Config, Program, Status, start_in_background, status, stop
from foliot.registry import move_channel, publish
from foliot.store import Connection, connect

FOLIOT: Final = (sys.executable, "-m", "foliot.cli")
LOOK_SECONDS: Final = 0.25
DRAIN_SECONDS_MAX: Final = 120.0
# The figures are looks, which hold nothing up: a slow machine must not end the demo by one of them.
_LOOK_TIMEOUT_MS: Final = 60_000
VERSIONS: Final = (1, 2, 3)


class DemoRefused(FoliotError):
    """The demo could not be run, or did not end as it must."""

    code: ClassVar[str] = "demo_failed"
    remedy: ClassVar[str] = "See the logs in the demo's folder, then run it again: foliot demo"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. `checker` is the independent checker's program; without it the run ends with figures only."""

    folder: Path
    records: int = 60_000
    rate: float = 3_000.0
    seed: int = 2026
    checker: Path | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `verdict` is the checker's text, None where there was none; `green` says that all is well."""

    green: bool
    verdict: str | None
    records: int
    seconds: float
    stepped: int
    cpu_seconds: dict[str, float]
    bytes_kept: int


def run_demo(plan: Plan, console: Console) -> Outcome:
    """Run the demo; everything that it starts ends with it, and its folder stays for who wants to look.

    Raises:
        DemoRefused: a part did not do what it must; the message says which and where its log is.
    """
    evidence = plan.folder / "evidence"
    evidence.mkdir(parents=True, exist_ok=True)
    console.print("[bold]Starting[/] PostgreSQL, Kafka, Valkey, one worker, one ingester, one relay …")
    programs = tuple(Program(name=name, argv=(*FOLIOT, name)) for name in ("worker", "ingest", "relay"))
    config = Config(
        state_folder=plan.folder,
        prepare=((*FOLIOT, "db", "upgrade"), (*FOLIOT, "topics")),
        programs=programs,
    )
    up = start_in_background(config, progress=lambda line: console.print(f"  {line}", style="dim", highlight=False))
    try:
        return _play(plan, up, evidence, console)
    finally:
        console.print("[dim]Stopping what was started …[/]")
        stop(plan.folder)


def _play(plan: Plan, up: Status, evidence: Path, console: Console) -> Outcome:
    environment = up.environment
    connection = connect(environment["FOLIOT_DSN_SERVICE"], application="foliot-demo", timeout_ms=_LOOK_TIMEOUT_MS)
    try:
        _make_topic(environment["FOLIOT_KAFKA"])
        for version in VERSIONS:
            text = resources.files("foliot.local.demo").joinpath(f"incident.v{version}.yaml").read_text("utf-8")
            publish(connection, "default", text, filename=f"incident.v{version}.yaml", by="demo")
        console.print(
            "[bold]Published[/] three versions of the machine [cyan]incident[/]; `stable` points at version 1."
        )
        with _collector(environment["FOLIOT_KAFKA"], evidence):
            with Screen(console, plan.records) as screen:
                figures, seconds = _stream(plan, connection, environment["FOLIOT_KAFKA"], evidence, screen)
            cpu = _cpu_seconds(plan.folder)
        kept = sum(size for name, size in sizes(connection).items() if name in ("journal", "instances"))
    finally:
        connection.close()
    console.print("[bold]Checking[/] every step with an independent program …")
    green, verdict = _judge(plan, environment["FOLIOT_DSN_OWNER"], evidence)
    return Outcome(green, verdict, plan.records, seconds, figures.stepped, cpu, kept)


def _make_topic(address: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=address.split(","))
    try:
        if PAGES not in admin.list_topics():
            admin.create_topics([NewTopic(name=PAGES, num_partitions=4, replication_factor=1)])
    finally:
        admin.close()


@contextmanager
def _collector(address: str, evidence: Path) -> Iterator[None]:
    argv = [sys.executable, "-m", "foliot.local.demo.collecting", "--kafka", address, "--folder", str(evidence)]
    process = subprocess.Popen(argv)
    try:
        yield
    finally:
        process.terminate()
        if process.wait(timeout=60) not in (0, -signal.SIGTERM):
            raise DemoRefused("the reader of the output topics failed", where=" ".join(argv[:3]))


@dataclass(frozen=True, slots=True)
class _Scene:
    """Something that happens once so many records were sent; None says that it must be tried again."""

    after: float
    play: Callable[[], str | None]


def _stream(plan: Plan, connection: Connection, address: str, evidence: Path, screen: Screen) -> tuple[Figures, float]:
    """Let the traffic flow; give the figures at its end, and the seconds from its beginning."""
    sent_file = evidence / "sent"
    argv = [sys.executable, "-m", "foliot.local.demo.producing", "--kafka", address, "--seed", str(plan.seed)]
    argv += ["--records", str(plan.records), "--rate", str(plan.rate)]
    argv += ["--report", str(evidence / "producer.jsonl"), "--sent", str(sent_file)]
    scenes = [
        _Scene(0.30, lambda: _move(connection, 2, "new")),
        _Scene(0.50, lambda: _kill_a_worker(plan.folder, evidence)),
        _Scene(0.65, lambda: _move(connection, 3, "all")),
    ]
    producer = subprocess.Popen(argv)
    screen.note("producer, ingester, worker and relay begin; a first run is slower, since Python compiles them")
    try:
        return _watch(plan, connection, producer=producer, sent_file=sent_file, scenes=scenes, screen=screen)
    finally:
        if producer.poll() is None:
            producer.kill()
        producer.wait()


def _watch(
    plan: Plan,
    connection: Connection,
    *,
    producer: subprocess.Popen[bytes],
    sent_file: Path,
    scenes: list[_Scene],
    screen: Screen,
) -> tuple[Figures, float]:
    """Show figures until all was sent and drained; play each scene when its time has come."""
    began: float | None = None
    deadline: float | None = None
    calm = 0
    while True:
        sent = _number_in(sent_file)
        if began is None and sent:
            began = time.monotonic()
            screen.note(
                f"{plan.records:,} incident events flow through Kafka: four lanes, bursts, doubled and broken ones"
            )
        if scenes and sent >= scenes[0].after * plan.records:
            told = scenes[0].play()
            if told is not None:
                screen.note(told)
                scenes.pop(0)
        figures = look(connection)
        screen.show(figures, sent)
        code = producer.poll()
        if code not in (None, 0):
            raise DemoRefused(f"the producer ended with code {code}", where="foliot.local.demo.producing")
        if code == 0 and deadline is None:
            deadline = time.monotonic() + DRAIN_SECONDS_MAX
            screen.note("all records are in Kafka; the rest is drained")
        # Ingest may still be polling: the figures must stand still for a while.
        calm = calm + 1 if code == 0 and figures.is_drained and not scenes else 0
        if calm >= 6:
            screen.note("drained: every accepted event was stepped, every message sent")
            screen.show(figures, sent)
            return figures, time.monotonic() - (began or time.monotonic())
        if deadline is not None and time.monotonic() > deadline:
            raise DemoRefused("the backlog did not drain", where=str(plan.folder))
        time.sleep(LOOK_SECONDS)


def _number_in(file: Path) -> int:
    try:
        return int(file.read_text() or 0)
    except FileNotFoundError:
        return 0


def _move(connection: Connection, version: int, mode: str) -> str:
    move_channel(
        connection,
        "default",
        "incident",
        "stable",
        version,
        mode="new" if mode == "new" else "all",
        expected_revision=None,
        operation_id=None,
        by="demo",
    )
    if mode == "new":
        return f"channel stable → version {version} for new incidents; the living stay on their version"
    return f"channel stable → version {version} for all: each living incident moves at its next event, if it can"


def _kill_a_worker(folder: Path, evidence: Path) -> str | None:
    """Kill the busiest child of the worker with SIGKILL, in the middle of its work."""
    family = _family(folder, "worker")
    children = [process for process in family[1:] if not process.children()]
    if not children:
        return None
    busiest = max(children, key=lambda process: process.cpu_times().user)
    pid = busiest.pid
    os.kill(pid, signal.SIGKILL)
    with (evidence / "faults.jsonl").open("ab") as file:
        file.write(orjson.dumps({"kind": "kill_worker_child", "pid": pid, "at": time.time_ns() // 1000}) + b"\n")
    return f"SIGKILL: worker child {pid} died in the middle of its work"


def _family(folder: Path, part: str) -> list[psutil.Process]:
    """Give a part's process and all below it."""
    found = status(folder).part(part)
    if found is None or found.process is None:
        return []
    try:
        top = psutil.Process(found.process.pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_seconds(folder: Path) -> dict[str, float]:
    """Give CPU seconds by part, of processes that are still there."""
    seconds: dict[str, float] = {}
    for part in ("kafka", "ingest", "worker", "relay", "postgres"):
        total = 0.0
        for process in _family(folder, part):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        seconds[part] = total
    own = resource.getrusage(resource.RUSAGE_SELF)
    seconds["this screen"] = own.ru_utime + own.ru_stime
    return seconds


def _judge(plan: Plan, dsn: str, evidence: Path) -> tuple[bool, str | None]:
    if plan.checker is None or not plan.checker.exists():
        return True, None
    argv = [sys.executable, str(plan.checker), "--evidence", str(evidence), "--dsn", dsn, "--drained"]
    argv += ["--events-min", str(int(plan.records * 0.95)), "--faults-min", "1", "--kinds", "kill_worker_child"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).strip()
