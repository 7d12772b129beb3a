"""The golden corpus: machines, what happens to them, and the exact bytes that came out.

Each file in `golden/` has a machine (`text` in the language, or `definition` as the normalized model), a `script` and
the `steps` that it led to. A line of the script is an event (`type`, `data`) or the firing of a timer (`fire`), each
`wait_ms` after the one before.

`python tests/conformance/golden_corpus.py` writes the steps anew. It refuses to change what is there unless
`foliot.engine.SEMANTICS` has a new number: the same journal must never mean two things under one number.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from foliot.definition import Definition, load
from foliot.engine import SEMANTICS, EngineError, Event, State, Step, compile, encode, start, step  # noqa: A004

GOLDEN = Path(__file__).parent / "golden"
BEGIN = 1_767_225_600_000_000
TIME = "2026-01-01T00:00:00Z"


def replay(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Run the script of a case and give its steps as JSON."""
    machine = compile(_definition(case))
    now = BEGIN
    born = start(machine, Event("birth", "golden", "born", None, TIME), now)
    recorded = [_record(born)]
    state = born.state
    for number, line in enumerate(case["script"]):
        now += line.get("wait_ms", 0) * 1_000
        try:
            taken = step(machine, state, _event(line, number, state), now)
        except EngineError as error:
            recorded.append({"refused": error.code})
        else:
            state = taken.state
            recorded.append(_record(taken))
    return recorded


def write() -> int:
    """Write all steps anew; give 1 where output changed and the number did not."""
    refused = 0
    for path in sorted(GOLDEN.glob("*.json")):
        case = json.loads(path.read_text())
        steps = replay(case)
        if "steps" in case and case["semantics"] == SEMANTICS and case["steps"] != steps:
            print(f"{path.name}: the output changed; raise foliot.engine.SEMANTICS first", file=sys.stderr)  # noqa: T201
            refused = 1
            continue
        fresh = {**case, "semantics": SEMANTICS, "steps": steps}
        path.write_text(_text(fresh))
    return refused


def _text(case: dict[str, Any]) -> str:
    """Write a case with one line for each event and each step, so that a change is seen where it is."""
    parts = []
    for name, value in case.items():
        if isinstance(value, list):
            lines = ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value)
            parts.append(f"{json.dumps(name)}: [\n  {lines}\n]")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _definition(case: dict[str, Any]) -> Definition:
    if "definition" in case:
        return Definition.model_validate(case["definition"])
    return load(json.dumps(case["text"]), filename="golden.json")


def _event(line: dict[str, Any], number: int, state: State) -> Event:
    if "fire" not in line:
        return Event(f"e{number}", "golden", line["type"], line.get("data"), TIME)
    timer = state.timers.get(line["fire"])
    armed = timer.armed if timer is not None else 1
    event_type, data = (timer.event, timer.data) if timer is not None else (line["fire"], None)
    return Event(f"t{number}", "golden", event_type, data, TIME, (line["fire"], armed))


def _record(taken: Step) -> dict[str, Any]:
    return {
        "outcome": taken.outcome,
        "transitions": list(taken.transitions),
        "effects": [{"kind": type(effect).__name__, **effect._asdict()} for effect in taken.effects],
        "state": encode(taken.state).decode(),
    }


if __name__ == "__main__":
    sys.exit(write())
