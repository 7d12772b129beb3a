"""What can be wrong with a definition, and how it is said."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from foliot.definition.limits import Limits
from foliot.definition.tree import Located, Place, show_path
from foliot.errors import FoliotError

# What is compared for one suggestion: a text may need a suggestion for each of its diagnostics.
_COMPARED_MAX = 200
_COMPARED_CHARS_MAX = 64
_LISTED_MAX = 24
_LISTED_OF_MORE = 8

Severity: TypeAlias = Literal["error", "warning"]

CODES = MappingProxyType(
    {
        # 0: the machine does what is hardly meant; `foliot.analysis` finds it.
        "D001": "state that no run enters",
        "D002": "transition that no run takes",
        "D003": "transition in the shadow of another",
        "D004": "guard that can't be true",
        "D005": "guard that is always true",
        "D006": "conflict of parallel regions",
        "D007": "step without an end",
        "D008": "state without a way out",
        "D009": "state without a way to the end",
        "D010": "name that is written and never read",
        "D011": "name that is read before it is written",
        "D012": "timer that can't fire",
        "D013": "error of an invocation that nothing handles",
        # 1: the text cannot be read.
        "D101": "not valid YAML or JSON",
        "D102": "text too large",
        "D103": "nested too deeply",
        "D104": "too many values",
        "D105": "alias or anchor",
        "D106": "tag",
        "D107": "more than one document",
        "D108": "empty text",
        "D109": "duplicate key",
        "D110": "key that is no text",
        "D111": "number that is not finite",
        "D112": "integer beyond 64 bits",
        "D113": "forbidden character",
        "D114": "not UTF-8",
        "D115": "more faults than are shown",
        "D116": "machine too large",
        "D117": "too many states active at once",
        "D118": "too much to remember",
        # 2: the shape is not that of a machine.
        "D201": "unknown key",
        "D202": "missing key",
        "D203": "wrong type of value",
        "D204": "value that is not among the allowed",
        "D205": "unknown version of the language",
        "D206": "bad machine id",
        "D207": "key without a meaning here",
        # 3: states.
        "D301": "bad state name",
        "D302": "no initial state",
        "D303": "initial state is not a child",
        "D304": "initial state is a history state",
        "D305": "no child states",
        "D306": "type contradicts the content",
        "D307": "final state with content",
        "D308": "root of the wrong type",
        "D309": "state with onDone that is never done",
        "D310": "state with onDone but without a final state",
        "D311": "default of a history state outside its parent",
        "D312": "state that is never entered",
        "D313": "parallel region that cannot be a region",
        # 4: transitions.
        "D401": "unknown target",
        "D402": "bad target",
        "D403": "targets exclude each other",
        "D404": "target in another region",
        "D405": "livelock",
        "D406": "transition that is never taken",
        "D407": "bad duration",
        "D408": "duration too long",
        "D409": "bad event descriptor",
        "D410": "two timeouts of the same length",
        "D411": "reenter without a target",
        # 5: actions and events.
        "D501": "not exactly one action",
        "D502": "unknown action",
        "D503": "bad event name",
        "D504": "reserved event name",
        "D505": "cancel of what is never sent",
        "D506": "assign to an unknown name",
        "D507": "delay or id on a message to a topic",
        "D508": "bad topic name",
        "D509": "assign of nothing",
        "D510": "bad timer id",
        "D511": "event that nothing handles",
        "D512": "bad branches",
        "D513": "bad script",
        "D514": "bad name of the context",
        "D515": "two services of one id",
        "D516": "bad id of a service",
        "D517": "assigned value against its schema",
        # 6: expressions.
        "D601": "expression with a syntax error",
        "D602": "expression with a type error",
        "D603": "guard that is not a condition",
        "D604": "unknown name of the context",
        "D605": "unknown field of an event",
        "D606": "inState of an unknown state",
        "D607": "operation that the schemas rule out",
        "D608": "comparison that never differs",
        "D609": "unknown property",
        # 7: schemas.
        "D701": "not a JSON Schema",
        "D702": "another draft of JSON Schema",
        "D703": "reference to outside",
        "D704": "bad regular expression",
        "D705": "initial context against its schema",
        "D706": "reference to nowhere",
        # 8: documents in other languages.
        "D801": "not valid XML",
        "D802": "document type",
        "D803": "unknown element",
        "D804": "missing part",
        "D805": "unknown state",
        "D806": "two states of one id",
        "D807": "unknown data model",
        "D808": "name without a meaning",
        "D809": "part that is left out",
        "D810": "other behaviour than in XState",
        # 9: arrows.
        "D901": "not an arrow",
        "D902": "not a JSON value",
    }
)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault: what is wrong, where, and what to do. `line` and `column` count from 1; see `CODES` for `code`."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        path = f" [{self.path}]" if self.path else ""
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity} {self.code}: {self.what}{path}{remedy}"


class DefinitionRefused(FoliotError):
    """A text is not the definition of a machine; `diagnostics` has all that is wrong with it, warnings too."""

    code = "definition_refused"
    remedy = "Mend what is named; foliot explain CODE tells more."

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        first = errors[0]
        more = f" (and {len(errors) - 1} more errors)" if len(errors) > 1 else ""
        path = f" {first.path}" if first.path else ""
        super().__init__(
            f"{first.code}: {first.what.removesuffix('.')}{more}",
            where=f"{first.file}:{first.line}:{first.column}{path}",
            remedy=first.remedy,
        )
        self.diagnostics = diagnostics


class ReadingStopped(FoliotError):
    """Nothing more can be said about this text; what was found is in the `Faults`. Never leaves this package."""

    code = "reading_stopped"
    remedy = "Mend what the diagnostics name."


class Faults:
    """Collects what is wrong with one text."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.limits = limits
        self._file = file
        self._found: dict[Diagnostic, None] = {}

    def error(self, code: str, where: Located | Place, what: str, remedy: str = "") -> None:
        """Note a fault that makes the text unusable."""
        self._add(code, "error", where, what, remedy)

    def warning(self, code: str, where: Located | Place, what: str, remedy: str = "") -> None:
        """Note what is allowed but hardly meant."""
        self._add(code, "warning", where, what, remedy)

    def _add(self, code: str, severity: Severity, where: Located | Place, what: str, remedy: str) -> None:
        place = where if isinstance(where, Place) else where.place
        path = "" if isinstance(where, Place) else show_path(where.path)
        # A text may escape what no encoding has: half of a pair.
        path, what, remedy = (each.encode(errors="backslashreplace").decode() for each in (path, what, remedy))
        if len(self._found) >= self.limits.diagnostic_count_max:
            what, remedy = "There are more faults; reading stops here.", "Mend those above first."
            self._found[Diagnostic("D115", "error", self._file, place.line, place.column, path, what, remedy)] = None
            raise ReadingStopped(what)
        self._found[Diagnostic(code, severity, self._file, place.line, place.column, path, what, remedy)] = None

    def any_error(self, *groups: str) -> bool:
        """Whether the text is unusable; with groups (`D3`): whether it is by a fault of one of these."""
        return any(found.severity == "error" and found.code.startswith(groups or "D") for found in self._found)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """All faults in the order of the text."""
        return tuple(sorted(self._found, key=lambda fault: (fault.line, fault.column, fault.code, fault.what)))

    def quote(self, text: str) -> str:
        """Put a text of the user's into a message: on one line, and cut where it is long."""
        shown = text if len(text) <= self.limits.quoted_chars_max else text[: self.limits.quoted_chars_max] + "…"
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in f"'{shown}'")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or list them. Of many, the first few are listed."""
    names = list(itertools.islice(known, _COMPARED_MAX))
    if near := nearest(word, names):
        return f"Did you mean '{near}'?"
    if len(names) > _LISTED_MAX:
        return f"There is: {', '.join(names[:_LISTED_OF_MORE])} and more."
    return f"There is: {', '.join(names)}." if names else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Find the known word that is most like one, small and large letters alike; empty where none is like it."""
    if len(word) > _COMPARED_CHARS_MAX:
        return ""
    alike: dict[str, str] = {}
    for name in itertools.islice(known, _COMPARED_MAX):
        alike.setdefault(name.casefold(), name)
    return "".join(alike[near] for near in difflib.get_close_matches(word.casefold(), alike, n=1, cutoff=0.6))
