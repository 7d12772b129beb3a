"""Machines run in memory, for tests: no server, and a clock that stands still until it is told."""

from foliot.testing.sessions import Session, Sessions

__all__ = ["Session", "Sessions"]
