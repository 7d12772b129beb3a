"""XState v5's machines as JSON: their reader and their writer."""

from foliot.languages.xstate.reader import XstateReading, read_xstate, reading_of_xstate
from foliot.languages.xstate.writer import LeftOut, XstateText, write_xstate

__all__ = ["LeftOut", "XstateReading", "XstateText", "read_xstate", "reading_of_xstate", "write_xstate"]
