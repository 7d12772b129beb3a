"""Who takes part: an engine, the way it is run, and its program."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from benchmarks.contenders import peer_python

Role: TypeAlias = Literal["subject", "plain", "peer", "xstate", "tables"]
"""subject: Foliot, compiled; plain: Foliot as it is; tables: by hand, which is no engine; all others are engines."""
_PROGRAMS: Final = "benchmarks.peers.engines"
_PEERS: Final = {
    "statemachine": "python-statemachine",
    "transitions": "transitions",
    "sismic": "sismic",
    "xstate_statemachine": "xstate-statemachine",
}
_NODE_PROGRAM: Final = Path(__file__).parents[1] / "peers" / "engines" / "with_xstate.mjs"


@dataclass(frozen=True, slots=True)
class Entrant:
    """An engine in one way to run it. `command` takes the machine and how much to measure as further arguments."""

    name: str
    title: str
    role: Role
    command: tuple[str, ...]


def find_entrants(environments: Path, plain: Path) -> tuple[Sequence[Entrant], Sequence[str]]:
    """Find all that can be run here, Foliot first, and say what can not; `plain` is a Python without compiled modules.

    Raises:
        SystemExit: an environment that is needed has not been made.
    """
    if not plain.exists():
        raise SystemExit(f"there is no {plain}: run `make setup`")
    python = str(peer_python(environments, "engines"))
    entrants = [
        Entrant("foliot", "Foliot", "subject", (sys.executable, "-m", "benchmarks.foliot_alone.four")),
        Entrant("foliot_plain", "Foliot, not compiled", "plain", (str(plain), "-m", "benchmarks.foliot_alone.four")),
        Entrant("tables", "tables by hand", "tables", (python, "-m", f"{_PROGRAMS}.by_hand")),
        *(Entrant(name, title, "peer", (python, "-m", f"{_PROGRAMS}.with_{name}")) for name, title in _PEERS.items()),
    ]
    node, environment = shutil.which("node"), environments.parent / ".venv-node"
    if node is None or not (environment / "node_modules" / "xstate").exists():
        return entrants, ["XState: there is no node, or `make bench-engine` could not install it"]
    run = (node, "--expose-gc", str(_NODE_PROGRAM), str(environment))
    entrants.append(Entrant("xstate_actor", "XState, actors", "xstate", (*run, "actor")))
    entrants.append(Entrant("xstate_pure", "XState, pure functions", "xstate", (*run, "pure")))
    return entrants, []
