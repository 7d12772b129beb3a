"""Who is measured: Foliot, and the peers, each behind the same few calls."""

from benchmarks.contenders.contender import Batch, Contender, Programs, Setting, State, peer_python
from benchmarks.contenders.dbos_workflows import DbosWorkflows
from benchmarks.contenders.langgraph_checkpoints import LanggraphCheckpoints
from benchmarks.contenders.naive_celery import NaiveCelery
from benchmarks.contenders.subject import Subject

__all__ = [
    "Batch",
    "Contender",
    "DbosWorkflows",
    "LanggraphCheckpoints",
    "NaiveCelery",
    "Programs",
    "Setting",
    "State",
    "Subject",
    "peer_python",
]
