"""The servers of one run, which all contenders share, and the databases that each of them has for itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import redis

from benchmarks.rig.database import Database
from foliot.local import ApacheKafka, Postgres, Valkey

ROOT = Path(__file__).parents[2]
SERVER_SETTINGS = {
    "track_commit_timestamp": "on",
    # As somebody would set them: memory beyond the 128 MB of a new server, a sixth of the 24 GB that the figures were
    # taken with, and no checkpoint for its log's size alone.
    "shared_buffers": "4GB",
    "checkpoint_timeout": "15min",
    "max_wal_size": "16GB",
}


@dataclass
class Rig:
    """Running servers, a folder for logs and events, and the watchers' connections."""

    root: Path
    postgres: Postgres
    kafka: ApacheKafka
    valkey: Valkey
    databases: dict[str, Database] = field(default_factory=dict)

    def database(self, name: str) -> Database:
        """Give the database of that name, made where it is missing."""
        if name not in self.databases:
            if not self.postgres.has_database(name):
                self.postgres.create_database(name)
            self.databases[name] = Database(self.postgres.dsn_of(name))
        return self.databases[name]

    def server_pids(self, names: Sequence[str]) -> dict[str, int]:
        """Name the top process of each server in `names`."""
        servers = {"postgres": self.postgres, "kafka": self.kafka, "valkey": self.valkey}
        return {name: pid for name in names if (pid := servers[name].child.pid) is not None}

    def watchers(self) -> frozenset[int]:
        """Name the backends that only look; their CPU is not counted."""
        return frozenset(database.pid for database in self.databases.values())

    def spawn(self, argv: Sequence[str], log: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a program from the repository's root; what it says goes to a log in the run's folder."""
        with self.log(log).open("ab") as output:
            return subprocess.Popen(
                argv, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
            )

    def run(self, argv: Sequence[str], log: str, environment: Mapping[str, str]) -> None:
        """Run a program to its end.

        Raises:
            SystemExit: it failed; the message has the end of its log.
        """
        if (code := self.spawn(argv, log, environment).wait()) != 0:
            raise SystemExit(f"{log} ended with code {code}:\n{self.tail(log)}")

    def versions(self) -> dict[str, str]:
        """Name the servers with their versions."""
        with redis.Redis.from_url(self.valkey.url) as client:
            about = client.info("server")
        pom = files("foliot.local.apache_kafka").joinpath("pom.xml").read_text()
        kafka = re.search(r"<artifactId>kafka_[^<]*</artifactId>\s*<version>([^<]*)<", pom)
        return {
            "PostgreSQL": next(iter(self.databases.values())).version(),
            "Apache Kafka": kafka[1] if kafka else "",
            "Valkey": str(about.get("valkey_version", "")),
        }

    def log(self, name: str) -> Path:
        """Give the place of a log."""
        return self.root / f"{name}.log"

    def tail(self, name: str) -> str:
        """Give the end of a log."""
        path = self.log(name)
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""


@contextmanager
def rig() -> Iterator[Rig]:
    """Start PostgreSQL (fsync on), Apache Kafka and Valkey; stop and remove everything at the end."""
    with ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="foliot-bench-"))
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        root.chmod(0o755)  # PostgreSQL may run as another account.
        made = Rig(root, Postgres(root, settings=SERVER_SETTINGS), ApacheKafka(root), Valkey(root))
        for server in (made.postgres, made.kafka, made.valkey):
            server.start()
            stack.callback(server.stop)
        yield made
        for database in made.databases.values():
            database.close()
