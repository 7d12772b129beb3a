"""Post one task an event of a file; runs in the peer's own environment, before the window, and is not counted.

python -m benchmarks.peers.naive_celery.feed FILE EVENTS
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from benchmarks.peers.naive_celery.app import app, step_incident


def main() -> None:
    """Post the tasks."""
    with Path(sys.argv[1]).open() as stream, app.producer_pool.acquire(block=True) as producer:
        for line in itertools.islice(stream, int(sys.argv[2])):
            step_incident.apply_async((line.rstrip("\n"),), producer=producer)


if __name__ == "__main__":
    main()
