"""One way to read a machine in any language: the file's name tells which."""

from __future__ import annotations

from foliot.definition import Diagnostic, Limits
from foliot.definition import check as check_own
from foliot.languages.arrows import check_arrows
from foliot.languages.scxml import check_scxml
from foliot.languages.xstate import check_xstate

_LIMITS = Limits()


def check(text: str | bytes, *, filename: str, limits: Limits = _LIMITS) -> tuple[Diagnostic, ...]:
    """Tell everything that is wrong with a text, in its order: errors, and warnings of what is hardly meant."""
    if filename.endswith(".arrows"):
        return check_arrows(text, filename=filename, limits=limits)
    if filename.endswith((".scxml", ".xml")):
        return check_scxml(text, filename=filename, limits=limits)
    if filename.endswith(".xstate.json"):
        return check_xstate(text, filename=filename, limits=limits)
    return check_own(text, filename=filename, limits=limits)
