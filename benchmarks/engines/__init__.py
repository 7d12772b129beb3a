"""Foliot's engine alone beside other engines: the same four machines, each engine a process of its own."""

from benchmarks.engines.comparing import EnginesPlan, compare
from benchmarks.engines.entrants import Entrant, find_entrants

__all__ = ["EnginesPlan", "Entrant", "compare", "find_entrants"]
