"""Machines made smaller that do the same: what can go, why, and the proof."""

from foliot.optimizing.output import write
from foliot.optimizing.proving import PAIRS_MAX, RUNS, Pick, Proof, prove
from foliot.optimizing.removals import Kind, Removal
from foliot.optimizing.rewriting import REWRITERS, Names, Optimized, rewrite

__all__ = [
    "PAIRS_MAX",
    "REWRITERS",
    "RUNS",
    "Kind",
    "Names",
    "Optimized",
    "Pick",
    "Proof",
    "Removal",
    "prove",
    "rewrite",
    "write",
]
