"""The supervisor itself: starts all, keeps all running, ends all."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import structlog

from foliot.local.apache_kafka import ApacheKafka
from foliot.local.child import Child, Launch, adopt_orphans
from foliot.local.failures import LocalError, NotReadyInTime, ProcessDied, StartAbandoned
from foliot.local.free_ports import HOST, is_free
from foliot.local.lifecycle import Server
from foliot.local.postgres_server import Postgres, can_enter_as_server
from foliot.local.supervisor.bell import Bell
from foliot.local.supervisor.keeping import Kept
from foliot.local.supervisor.plan import Config
from foliot.local.supervisor.processes import Identity, boot_id, identity_of, kill_all
from foliot.local.supervisor.records import (
    Part,
    Phase,
    Status,
    lock,
    logs_folder,
    pid_file,
    read_status,
    write_in_one_piece,
    write_status,
)
from foliot.local.tansu_broker import Tansu
from foliot.local.valkey_server import Valkey

_LOOK_SECONDS = 1.0
_KIN_SECONDS = 2.0
_ROOTS_DATA = Path("/var/lib/foliot")

log = structlog.get_logger()


def run_supervisor(config: Config, ready_callback: Callable[[Status], None] | None = None) -> None:
    """Run servers and programs in the foreground until SIGTERM or SIGINT; to be called in the main thread.

    `ready_callback` is called once, when the programs have been started. The calling process becomes the parent of all
    orphans among its descendants.

    Raises:
        SupervisorRuns: the state folder has a supervisor already.
        LocalError: something did not start; all has been stopped again.
    """
    config = config.model_copy(update={"state_folder": config.state_folder.absolute()})
    with lock(config.state_folder), Bell() as bell:
        adopt_orphans()
        _Supervisor(config, bell).run(ready_callback)


def clear_orphans(previous: Status) -> None:
    """Kill what a dead supervisor has left; to be called by who holds the lock."""
    if previous.boot != boot_id():
        return
    recorded = [part.process for part in previous.parts if part.process is not None]
    for identity in kill_all([*recorded, *previous.kin]):
        log.warning("orphan_killed", pid=identity.pid)


class _Supervisor:
    def __init__(self, config: Config, bell: Bell) -> None:
        self._config = config
        self._bell = bell
        self._folder = config.state_folder
        self._previous = read_status(self._folder)
        self._started_at = datetime.now(UTC)
        self._phase: Phase = "starting"
        self._failure = ""
        data = self._data_folder()
        self._postgres = Postgres(data)
        self._valkey = Valkey(data)
        self._kafka: Server = ApacheKafka(data, install=True) if config.kafka == "apache" else Tansu(data)
        self._data = data
        self._servers: dict[str, Server] = {
            "postgres": self._postgres,
            "valkey": self._valkey,
            "kafka": self._kafka,
        }
        self._kept: dict[str, Kept] = {}
        self._kin_seen = 0.0
        self._written: Status | None = None

    def run(self, ready_callback: Callable[[Status], None] | None) -> None:
        clear_orphans(self._previous)
        self._take_former_ports()
        write_in_one_piece(pid_file(self._folder), f"{os.getpid()}\n")
        self._record("starting")
        try:
            self._start_all()
            # Said before it is recorded: whoever waits for the record reads the log no further.
            log.info("all_ready", seconds=round((datetime.now(UTC) - self._started_at).total_seconds(), 1))
            status = self._record("ready")
            if ready_callback is not None:
                ready_callback(status)
            self._watch()
        except StartAbandoned:
            log.info("start_abandoned")
        except LocalError as error:
            self._failure = str(error)
            raise
        finally:
            self._record("stopping")
            self._stop_all()
            self._record("failed" if self._failure else "down")
            pid_file(self._folder).unlink(missing_ok=True)

    def _start_all(self) -> None:
        deadline = time.monotonic() + self._config.start_seconds_max
        for name, server in self._servers.items():
            began = time.monotonic()
            log.info("server_starting", name=name, kind=server.kind)
            server.start(give_up=self._bell.is_stopping)
            self._kept[name] = Kept(server.child, functools.partial(self._start_server_again, server), restart=True)
            self._record("starting")
            log.info("server_ready", name=name, address=server.address, seconds=round(time.monotonic() - began, 2))
        if not self._postgres.has_database(self._config.database):
            self._postgres.create_database(self._config.database)
        environment = self._environment()
        for argv in self._config.prepare:
            self._prepare(argv, environment, deadline)
        for program in self._config.programs:
            child = Child(program.name, logs_folder(self._folder) / f"{program.name}.log")
            launch = Launch(program.argv, Path.cwd(), _inherited() | environment | program.env)
            child.spawn(launch)
            self._kept[program.name] = Kept(child, functools.partial(child.spawn, launch), restart=program.restart)
            log.info("program_started", name=program.name, pid=child.pid)

    def _prepare(self, argv: tuple[str, ...], environment: dict[str, str], deadline: float) -> None:
        began = time.monotonic()
        command = " ".join(argv)
        child = Child("prepare", logs_folder(self._folder) / "prepare.log")
        log.info("prepare_starting", command=command)
        child.spawn(Launch(argv, Path.cwd(), _inherited() | environment))
        try:
            while (code := child.exit_code()) is None:
                if self._bell.stopping:
                    raise StartAbandoned(f"`{command}` was no longer wanted before it had ended")
                if time.monotonic() > deadline:
                    raise NotReadyInTime(f"`{command}` has not ended:\n{child.log_tail()}", where=str(child.log))
                self._bell.wait(_LOOK_SECONDS)
        finally:
            child.end(signal.SIGTERM, grace_seconds=self._config.grace_seconds)
        if code != 0:
            raise ProcessDied(f"`{command}` ended with code {code}:\n{child.log_tail()}", where=str(child.log))
        log.info("prepare_done", command=command, seconds=round(time.monotonic() - began, 2))

    def _watch(self) -> None:
        while not self._bell.stopping:
            pause = _LOOK_SECONDS
            for kept in self._kept.values():
                pause = kept.due_in_seconds(pause)
            self._bell.wait(pause)
            changed = [kept.look() for kept in self._kept.values()]
            self._reap()
            if any(changed) or time.monotonic() - self._kin_seen > _KIN_SECONDS:
                self._record("ready")

    def _start_server_again(self, server: Server) -> None:
        launch = server.launch()
        own = self._own_pids()
        program = Path(launch.argv[0]).name
        # What a dead server has left is ours now. A backend that still works would keep PostgreSQL from starting.
        for child in psutil.Process().children():
            if child.pid not in own and child.name() == program:
                child.kill()
        server.child.spawn(launch)

    def _reap(self) -> None:
        """Collect the exits of orphans; those of our own children belong to whoever asks for their exit code."""
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid in self._own_pids():
                    # It died since it was looked at. The bell has rung for it, so the next look is at once.
                    return
                os.waitpid(ended.si_pid, os.WNOHANG)

    def _stop_all(self) -> None:
        log.info("stopping")
        grace = self._config.grace_seconds
        for name in reversed([name for name in self._kept if name not in self._servers]):
            self._kept[name].child.end(signal.SIGTERM, grace_seconds=grace)
            log.info("part_stopped", name=name, exit_code=self._kept[name].child.exit_code())
        for name, server in reversed(self._servers.items()):
            if server.child.running():
                server.stop(grace_seconds=grace)
                log.info("part_stopped", name=name, exit_code=server.child.exit_code())
        rest = [identity_of(process.pid) for process in psutil.Process().children(recursive=True)]
        for identity in kill_all(identity for identity in rest if identity is not None):
            log.warning("orphan_killed", pid=identity.pid)
        self._reap()

    def _record(self, phase: Phase) -> Status:
        parts = [self._part(name, server.kind, server, server.port) for name, server in self._servers.items()]
        parts += [self._part(program.name, "program", None, program.port) for program in self._config.programs]
        status = Status(
            phase=phase,
            state_folder=self._folder,
            data_folder=self._data,
            supervisor=identity_of(os.getpid()),
            boot=boot_id(),
            started_at=self._started_at,
            parts=tuple(parts),
            kin=self._kin(),
            environment=self._environment(),
            failure=self._failure,
        )
        if status != self._written:
            write_status(status)
            self._written = status
        return status

    def _part(self, name: str, kind: str, server: Server | None, port: int | None) -> Part:
        kept = self._kept.get(name)
        child = server.child if kept is None and server is not None else None if kept is None else kept.child
        return Part(
            name=name,
            kind=kind,
            process=None if child is None else identity_of(child.pid),
            address=None if port is None else f"{HOST}:{port}",
            port=port,
            restarts=0 if kept is None else kept.restarts,
            exit_code=None if kept is None else kept.exit_code,
        )

    def _kin(self) -> tuple[Identity, ...]:
        """List the descendants that would outlive us: all but the servers' own, which end with their server."""
        self._kin_seen = time.monotonic()
        own = self._own_pids()
        servers = {server.child.pid for server in self._servers.values()}
        found: set[int] = set()
        for child in psutil.Process().children():
            if child.pid in servers:
                continue
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {child.pid, *(process.pid for process in child.children(recursive=True))}
        identities = [identity_of(pid) for pid in sorted(found - own)]
        return tuple(identity for identity in identities if identity is not None)

    def _own_pids(self) -> set[int]:
        children = [server.child for server in self._servers.values()] + [kept.child for kept in self._kept.values()]
        return {child.pid for child in children if child.pid is not None}

    def _environment(self) -> dict[str, str]:
        database = self._config.database
        return {
            "FOLIOT_DSN_OWNER": self._postgres.dsn_of(database),
            "FOLIOT_DSN_SERVICE": self._postgres.dsn_of(database, role="foliot_service"),
            "FOLIOT_DSN_FRONT": self._postgres.dsn_of(database, role="foliot_front"),
            "FOLIOT_KAFKA": self._kafka.address,
            "FOLIOT_BROKER_URL": self._valkey.url,
        }

    def _take_former_ports(self) -> None:
        """Come back under the same addresses where nobody has taken them."""
        for name, server in self._servers.items():
            former = self._previous.part(name)
            if former is not None and former.port is not None and is_free(former.port):
                server.port = former.port

    def _data_folder(self) -> Path:
        """Return the state folder's own, or, as root below a closed folder, one that PostgreSQL can enter."""
        folder = self._folder / "data"
        if not can_enter_as_server(folder):
            name = hashlib.blake2b(os.fsencode(self._folder), digest_size=8).hexdigest()
            folder = _ROOTS_DATA / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _inherited() -> dict[str, str]:
    """Give this process's environment without what it says of other brokers: those on this machine take plain text."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FOLIOT_KAFKA_")}
