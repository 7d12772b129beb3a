"""The DBOS application of the peer; runs in the peer's own environment.

python -m benchmarks.peers.dbos_workflows.app setup
python -m benchmarks.peers.dbos_workflows.app direct THREADS FILE SHARE OF
python -m benchmarks.peers.dbos_workflows.app queue CONCURRENCY
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID, SQLAlchemyDatasource

from benchmarks.peers.driving import drive
from benchmarks.peers.ledger import apply

QUEUE = "incidents"
WORKFLOW = "incident_step"
URL = os.environ["PEER_DSN"].replace("postgresql://", "postgresql+psycopg://")
POOL = int(os.environ.get("PEER_CONNECTIONS", "20"))

CONFIG: DBOSConfig = {
    "name": "incidents",
    "system_database_url": URL,
    "sys_db_pool_size": POOL,
    "log_level": "ERROR",
    "enable_otlp": False,
    "application_version": "bench",
    "executor_id": f"bench-{os.getpid()}",
    "max_executor_threads": max(POOL, 8),
}
datasource = SQLAlchemyDatasource.create(URL, engine_kwargs={"pool_size": POOL, "max_overflow": 0})


# The row lock orders the writers; under SERIALIZABLE, the library's default, they would be rolled back and retried.
@datasource.transaction(isolation_level="READ COMMITTED")
def apply_event(document: str) -> None:
    """Apply one event in the transaction that also records the step."""
    driver: Any = datasource.sql_session().connection().connection.driver_connection
    apply(driver, document)


@DBOS.workflow(name=WORKFLOW)
def step_incident(document: str) -> None:
    """Run the one step."""
    apply_event(document)


def main() -> None:
    """Run until told to end."""
    DBOS(config=CONFIG)
    DBOS.launch()
    if sys.argv[1] == "setup":
        DBOS.register_queue(QUEUE)
        DBOS.destroy()
        return
    if sys.argv[1] == "queue":
        DBOS.register_queue(
            QUEUE, worker_concurrency=int(sys.argv[2]), polling_interval_sec=0.05, on_conflict="always_update"
        )
        signal.sigwait({signal.SIGTERM})
        os._exit(0)  # What runs is thrown away with its database.
    threads, file, share, of = int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])

    def step_one(id_: str, _: str, document: str) -> None:
        with SetWorkflowID(id_):
            step_incident(document)

    drive(file, [step_one] * threads, share=share, of=of)


if __name__ == "__main__":
    main()
