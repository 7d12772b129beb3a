"""What is fuzzed: functions that take bytes and raise only what their reader promises.

A target returns how the input was taken: one word, which the report counts.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.cel_expressions import VALUES, ExpressionMaker

from foliot.cel import (
    DIGEST,
    DYN,
    FAIL,
    IN_STATE,
    MAP,
    CelBudgetExceeded,
    CelError,
    Environment,
    EvaluationError,
    Program,
    compile_expression,
    to_json,
)

_CEL = Environment({"context": DYN, "event": MAP}, (IN_STATE, DIGEST, FAIL))
# Large enough that what is not bounded would be felt.
_CONTEXTS = (
    VALUES["a"],
    {"l": list(range(2_000)), "s": "ab" * 10_000, "m": {str(n): n for n in range(500)}, "t": "2024-02-29T12:34:56Z"},
)


def read_cel(data: bytes) -> str:
    """Parse, check and evaluate an expression on a small context and a large one."""
    source = data.decode(errors="surrogateescape")
    try:
        program = compile_expression(source, _CEL)
    except CelError:
        return "refused"
    assert program.cost >= 0
    return " ".join(sorted({_evaluate(program, context) for context in _CONTEXTS}))


def _evaluate(program: Program, context: dict[str, Any]) -> str:
    try:
        to_json(program.evaluate(context, {"data": context, "time": "2024-02-29T12:34:56Z"}, "a.b".startswith))
    except CelBudgetExceeded:
        return "budget"
    except EvaluationError:
        return "error"
    return "value"


def write_cel_seeds(folder: Path) -> None:
    """Write expressions for the fuzzer to begin with."""
    maker = ExpressionMaker(1)
    for number in range(600):
        source = maker.make(random.Random(number).choice(maker.KINDS), 1 + number % 3)
        renamed = source.replace("a.", "context.").replace("m.", "event.data.")
        name = hashlib.blake2b(renamed.encode(), digest_size=8).hexdigest()
        (folder / name).write_text(renamed)


READERS: MappingProxyType[str, Callable[[bytes], str]] = MappingProxyType({"cel": read_cel})
SEEDS: MappingProxyType[str, Callable[[Path], None]] = MappingProxyType({"cel": write_cel_seeds})
