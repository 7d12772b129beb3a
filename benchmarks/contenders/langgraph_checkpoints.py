"""LangGraph with its Postgres checkpointer, as a contender."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from benchmarks.contenders.contender import Batch, Programs, Setting, State, installed, peer_python
from benchmarks.contenders.ledger import state_of
from benchmarks.rig import Rig

_DRIVER: Final = "benchmarks.peers.langgraph_checkpoints.driver"


def _setting(processes: int, threads: int, durability: str, mode: str) -> Setting:
    name = f"{processes} × {threads} threads, durability {durability}, {mode}"
    return Setting(name, {"processes": processes, "threads": threads, "durability": durability, "mode": mode})


class LanggraphCheckpoints:
    """One invocation an event; the thread is the incident, the driver loops over a file."""

    name = "langgraph"
    title = "LangGraph + Postgres"
    servers: ClassVar[tuple[str, ...]] = ("postgres",)
    settings: tuple[Setting, ...] = (
        _setting(2, 2, "exit", "plain"),
        _setting(1, 4, "exit", "plain"),
        _setting(1, 4, "exit", "pipeline"),
        _setting(1, 1, "exit", "plain"),
        _setting(1, 8, "exit", "plain"),
        _setting(1, 4, "async", "plain"),
    )
    journals: ClassVar[tuple[str, ...]] = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
    presents: ClassVar[tuple[str, ...]] = ()
    ring: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[bool] = False
    events_per_s_max: ClassVar[int] = 1500

    def __init__(self, environments: Path) -> None:
        self._python = peer_python(environments, "langgraph")

    def prepare(self, rig: Rig) -> None:
        """Let the checkpointer make its tables."""
        rig.run((str(self._python), "-m", _DRIVER, "setup"), "langgraph-setup", self._environment(rig))

    def fill(self, rig: Rig, setting: Setting, batch: Batch) -> None:
        """Leave it to the drivers, who read the file."""

    def start(self, rig: Rig, setting: Setting, batch: Batch) -> Programs:
        """Start one or more drivers."""
        options, of = setting.options, int(setting.options["processes"])
        drivers: Programs = {}
        for share in range(of):
            argv = [str(self._python), "-m", _DRIVER, str(batch.file), str(options["threads"]), str(share), str(of)]
            argv += [str(options["durability"]), str(options["mode"])]
            drivers[f"driver {share + 1}"] = rig.spawn(argv, "langgraph", self._environment(rig))
        return drivers

    def taken(self, rig: Rig) -> int:
        """Count what is applied."""
        return self.done(rig)

    def done(self, rig: Rig) -> int:
        """Count the last checkpoints of invocations: with durability `exit` there are no others."""
        return rig.database(self.name).number(
            "SELECT count(*) FROM checkpoints WHERE metadata ->> 'source' = 'loop' AND (metadata ->> 'step')::int8 >= 1"
        )

    def clear(self, rig: Rig) -> None:
        """Nothing waits but the file."""

    def state(self, rig: Rig, key: str) -> State | None:
        """Look at one incident: at the values of its last checkpoint."""
        rows = rig.database(self.name).rows(
            "SELECT checkpoint -> 'channel_values' FROM checkpoints WHERE thread_id = %s"
            " ORDER BY checkpoint_id DESC LIMIT 1",
            key,
        )
        return state_of(rows[0][0]) if rows else None

    def version(self) -> str:
        """Name LangGraph, its checkpointer and its driver."""
        return installed(self._python, "langgraph", "langgraph-checkpoint-postgres", "psycopg")

    def _environment(self, rig: Rig) -> dict[str, str]:
        return {"PEER_DSN": rig.database(self.name).dsn, "LANGSMITH_TRACING": "false"}
