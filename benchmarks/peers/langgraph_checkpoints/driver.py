"""The LangGraph driver of the peer; runs in the peer's own environment.

python -m benchmarks.peers.langgraph_checkpoints.driver (setup | FILE THREADS SHARE OF DURABILITY PIPELINE)
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypedDict, cast

import orjson
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Durability

from benchmarks.peers.driving import Apply, drive
from benchmarks.peers.incident import INITIAL, step


class Incident(TypedDict, total=False):
    """The graph's state: plain values, which the checkpointer keeps in the checkpoint's own row."""

    event: str
    at: str
    chain: str
    seen: int
    severity: int
    notes: int
    escalations: int


def step_incident(incident: Incident) -> dict[str, Any]:
    """Apply the event; the graph's only node."""
    event = orjson.loads(incident["event"])
    before = {name: incident.get(name, INITIAL[name]) for name in INITIAL}
    return step(before, event["id"], event["type"], event["data"]) or before


def applier(dsn: str, durability: Durability, *, pipeline: bool, stack: ExitStack) -> Apply:
    """Compile the graph over a connection of its own: a saver lets one thread at a time through."""
    saver = stack.enter_context(PostgresSaver.from_conn_string(dsn, pipeline=pipeline))
    builder = StateGraph(Incident)
    builder.add_node("step", step_incident)
    builder.add_edge(START, "step")
    builder.add_edge("step", END)
    graph = builder.compile(checkpointer=saver)

    def apply(_: str, key: str, document: str) -> None:
        graph.invoke({"event": document}, {"configurable": {"thread_id": key}}, durability=durability)

    return apply


def main() -> None:
    """Make the tables, or drive the events of a file."""
    dsn = os.environ["PEER_DSN"]
    if sys.argv[1] == "setup":
        with PostgresSaver.from_conn_string(dsn) as saver:
            saver.setup()
        return
    file, threads, share, of = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    durability, pipeline = cast("Durability", sys.argv[5]), sys.argv[6] == "pipeline"
    with ExitStack() as stack:
        appliers = [applier(dsn, durability, pipeline=pipeline, stack=stack) for _ in range(threads)]
        drive(file, appliers, share=share, of=of)


if __name__ == "__main__":
    main()
