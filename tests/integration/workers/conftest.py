"""A database with the incident machine, and real worker processes on it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from addresses import Database, ValkeyAt
from integration.workers.site_of_incidents import Site, Start, Worker, wait_for

from foliot import store


@pytest.fixture
def site(fresh_database: Database) -> Iterator[Site]:
    with contextlib.closing(store.connect(fresh_database.service, application="test")) as connection:
        yield Site(fresh_database, connection)


@pytest.fixture
def start_worker(site: Site, valkey_server: ValkeyAt, tmp_path: Path) -> Iterator[Start]:
    """Start `foliot worker` with arguments and settings; what is left of it is killed after the test."""
    workers: list[Worker] = []

    def start(*arguments: str, children: int = 1, **settings: object) -> Worker:
        environment = {
            "FOLIOT_DSN_SERVICE": site.database.service,
            "FOLIOT_BROKER_URL": valkey_server.url,
            "FOLIOT_GRACE_S": "20",
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        log = tmp_path / f"worker{len(workers)}.log"
        with log.open("wb") as output:
            process = psutil.Popen(
                [sys.executable, "-m", "foliot.cli", "worker", *arguments],
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        worker = Worker(process, log)
        workers.append(worker)
        wanted = 2 if "--no-broker" in arguments or not environment["FOLIOT_BROKER_URL"] else 3 + children
        wait_for(lambda: len(worker.family()) >= wanted, what="the start of all children")
        return worker

    yield start
    for worker in workers:
        if worker.process.poll() is None:
            worker.family()
            worker.process.kill()
            worker.process.wait()
        wait_for(lambda: not worker.left(), what="the end of all children")  # noqa: B023 - called at once
        sys.stdout.write(worker.log.read_text())
