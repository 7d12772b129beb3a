"""Apache Kafka: broker and controller in one process."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
from pathlib import Path
from typing import ClassVar

from foliot.local.apache_kafka.jars import install_jars, jars_folder, java
from foliot.local.child import Child, Launch
from foliot.local.failures import PartMissing, ProcessDied
from foliot.local.free_ports import free_port
from foliot.local.kafka_calls import broker_answers
from foliot.local.lifecycle import Server

_RESOURCES = Path(__file__).parent
_FORMAT_SECONDS_MAX = 60


class ApacheKafka(Server):
    """One KRaft node whose records survive a kill. After a kill it takes about five seconds to be ready again.

    Args:
        root: the folder for its data and its log; made where it is missing.
        port: where to listen; chosen where it is not given.
        install: whether `start` may fetch missing jars.
    """

    kind: ClassVar[str] = "apache"

    def __init__(self, root: Path, *, port: int | None = None, install: bool = False) -> None:
        self.folder = root.absolute() / "apache-kafka"
        self.data = self.folder / "data"
        self.port = free_port() if port is None else port
        self.port_is_open_to_change = port is None
        self.child = Child(self.kind, self.folder / "log" / "apache-kafka.log")
        self._install = install
        self._controller_port = free_port()

    def launch(self) -> Launch:
        """Write the settings, and format the data folder where that was not done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "server.properties"
        template = (_RESOURCES / "server.properties").read_text()
        settings.write_text(
            template.replace("@PORT@", str(self.port))
            .replace("@CONTROLLER_PORT@", str(self._controller_port))
            .replace("@DATA@", str(self.data))
        )
        machine = self._machine()
        if not (self.data / "meta.properties").exists():
            self._format(machine, settings)
        return Launch((*machine, "kafka.Kafka", str(settings)), self.folder, os.environ)

    def answers(self) -> bool:
        """Ask for the cluster."""
        return broker_answers(self.port)

    def _machine(self) -> tuple[str, ...]:
        """Return the command line of the Java machine up to the class to run."""
        jars = jars_folder()
        if self._install:
            install_jars()
        if not jars.exists():
            raise PartMissing(
                "the jars of Apache Kafka are not installed", where=str(jars), remedy="Run: make kafka-install"
            )
        flags = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
        log_settings = f"-Dlog4j2.configurationFile={(_RESOURCES / 'log4j2.properties').as_uri()}"
        # The star is Java's own; no shell sees it.
        return (java(), *flags, log_settings, "-cp", f"{jars}/*")

    def _format(self, machine: tuple[str, ...], settings: Path) -> None:
        made = subprocess.run(
            [*machine, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", settings],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_FORMAT_SECONDS_MAX,
        )
        if made.returncode != 0:
            raise ProcessDied(
                f"the data folder could not be formatted (code {made.returncode}):\n{made.stdout}{made.stderr}",
                where=str(self.data),
            )


def _cluster_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        # With a leading hyphen the formatter takes it for an option.
        if not text.startswith("-"):
            return text
