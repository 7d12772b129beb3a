"""Enqueue one workflow an event of a file; runs in the peer's own environment, before the window, and is not counted.

python -m benchmarks.peers.dbos_workflows.feed FILE EVENTS
"""

from __future__ import annotations

import itertools
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
from dbos import DBOSClient, EnqueueOptions

URL = os.environ["PEER_DSN"].replace("postgresql://", "postgresql+psycopg://")


def main() -> None:
    """Enqueue the workflows, four at a time."""
    client = DBOSClient(system_database_url=URL)

    def enqueue(line: str) -> None:
        options: EnqueueOptions = {
            "workflow_name": "incident_step",
            "queue_name": "incidents",
            "workflow_id": orjson.loads(line)["id"],
            "app_version": "bench",
        }
        client.enqueue(options, line)

    with Path(sys.argv[1]).open() as stream, ThreadPoolExecutor(4) as pool:
        list(pool.map(enqueue, (line.rstrip("\n") for line in itertools.islice(stream, int(sys.argv[2])))))
    client.destroy()


if __name__ == "__main__":
    main()
