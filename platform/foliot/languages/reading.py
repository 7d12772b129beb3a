"""One way to read a machine in any language: the file's name tells which."""

from __future__ import annotations

from foliot import file_names
from foliot.definition import Definition, DefinitionRefused, Diagnostic, Limits, Reading
from foliot.definition import read as read_own
from foliot.languages.arrows import reading_of_arrows
from foliot.languages.scxml import reading_of_scxml
from foliot.languages.xstate import reading_of_xstate

_LIMITS = Limits()


def read(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Reading:
    """Read a machine and keep all that is known of it."""
    if filename.endswith(file_names.ARROWS):
        return reading_of_arrows(text, filename=filename, limits=limits)
    if filename.endswith(file_names.SCXML):
        return reading_of_scxml(text, filename=filename, limits=limits)
    if filename.endswith(file_names.XSTATE):
        return reading_of_xstate(text, filename=filename, limits=limits)
    return read_own(text, filename=filename, limits=limits)


def load(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> Definition:
    """Read a machine.

    Raises:
        DefinitionRefused: something is wrong; `diagnostics` has all of it.
    """
    reading = read(text, filename=filename, limits=limits)
    if reading.definition is None:
        raise DefinitionRefused(reading.diagnostics)
    return reading.definition


def check(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> tuple[Diagnostic, ...]:
    """Tell everything that is wrong with a text, in its order: errors, and warnings of what is hardly meant."""
    return read(text, filename=filename, limits=limits).diagnostics
