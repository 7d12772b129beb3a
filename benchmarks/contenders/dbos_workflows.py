"""DBOS, as a contender."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from benchmarks.contenders.contender import Batch, Programs, Setting, State, installed, peer_python
from benchmarks.contenders.ledger import ledger_done, ledger_state, make_ledger
from benchmarks.rig import Rig

_APP: Final = "benchmarks.peers.dbos_workflows"


def _direct(processes: int, threads: int) -> Setting:
    name = f"direct, {processes} × {threads} threads"
    return Setting(name, {"mode": "direct", "processes": processes, "threads": threads})


class DbosWorkflows:
    """One workflow an event, started directly by driver threads or taken from DBOS's own queue."""

    name = "dbos"
    title = "DBOS"
    servers: ClassVar[tuple[str, ...]] = ("postgres",)
    settings: tuple[Setting, ...] = (
        _direct(1, 4),
        _direct(2, 2),
        Setting("queue, 50 at once", {"mode": "queue", "concurrency": 50}),
        _direct(1, 1),
        _direct(1, 8),
    )
    presents: ClassVar[tuple[str, ...]] = ("incidents",)
    journals: ClassVar[tuple[str, ...]] = (
        "incident_journal",
        "dbos.workflow_status",
        "dbos.workflow_input",
        "dbos.workflow_output",
        "dbos.operation_outputs",
        "dbos.datasource_outputs",
    )
    ring: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = False
    events_per_s_max: ClassVar[int] = 200

    def __init__(self, environments: Path) -> None:
        self._python = peer_python(environments, "dbos")

    def prepare(self, rig: Rig) -> None:
        """Make the two tables, and let DBOS make its own."""
        database = rig.database(self.name)
        make_ledger(database)
        rig.run((str(self._python), "-m", f"{_APP}.app", "setup"), "dbos-setup", self._environment(rig))

    def fill(self, rig: Rig, setting: Setting, batch: Batch) -> None:
        """Enqueue a workflow for each event; drivers read the file instead."""
        if setting.options["mode"] == "queue":
            argv = (str(self._python), "-m", f"{_APP}.feed", str(batch.file), str(batch.events))
            rig.run(argv, "dbos-feed", self._environment(rig))

    def start(self, rig: Rig, setting: Setting, batch: Batch) -> Programs:
        """Start one or more processes."""
        options = setting.options
        program = (str(self._python), "-m", f"{_APP}.app", str(options["mode"]))
        environment = self._environment(rig)
        if options["mode"] == "queue":
            return {"worker": rig.spawn((*program, str(options["concurrency"])), "dbos", environment)}
        drivers: Programs = {}
        of = int(options["processes"])
        for share in range(of):
            argv = (*program, str(options["threads"]), str(batch.file), str(share), str(of))
            drivers[f"driver {share + 1}"] = rig.spawn(argv, "dbos", environment)
        return drivers

    def taken(self, rig: Rig) -> int:
        """Count what is applied."""
        return self.done(rig)

    def done(self, rig: Rig) -> int:
        """Count the journal."""
        return ledger_done(rig.database(self.name))

    def clear(self, rig: Rig) -> None:
        """Forget workflows that did not end, and what they were given."""
        database = rig.database(self.name)
        database.execute("DELETE FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')")
        database.execute(
            "DELETE FROM dbos.workflow_input i"
            " WHERE NOT EXISTS (SELECT FROM dbos.workflow_status s WHERE s.workflow_uuid = i.workflow_uuid)"
        )

    def state(self, rig: Rig, key: str) -> State | None:
        """Look at one incident."""
        return ledger_state(rig.database(self.name), key)

    def version(self) -> str:
        """Name DBOS and its driver."""
        return installed(self._python, "dbos", "sqlalchemy", "psycopg")

    def _environment(self, rig: Rig) -> dict[str, str]:
        return {"PEER_DSN": rig.database(self.name).dsn}
