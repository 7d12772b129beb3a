"""What is fuzzed: functions that take bytes and raise only what their reader promises.

A target returns how the input was taken: one word, which the report counts.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.cel_expressions import VALUES, ExpressionMaker
from fuzz import machine_seeds
from fuzz.grafting import Grafter, Splicer

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
from foliot.definition import Definition
from foliot.engine import (
    EngineError,
    Event,
    Limits,
    compile,  # noqa: A004 - the engine's own word
    start,
    step,
)
from foliot.languages import read

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


def _expressions() -> Iterator[str]:
    maker = ExpressionMaker(1)
    for number in range(600):
        source = maker.make(random.Random(number).choice(maker.KINDS), 1 + number % 3)
        yield source.replace("a.", "context.").replace("m.", "event.data.")


def write_cel_seeds(folder: Path) -> None:
    """Write expressions for the fuzzer to begin with."""
    _write_seeds(_expressions(), folder)


_FILENAMES = MappingProxyType({"yaml": "m.yaml", "json": "m.json", "scxml": "m.scxml", "xstate": "m.xstate.json"})
# Of steps, what is looked at is that they end; how much a step may do is the engine's own matter.
_LIMITS = Limits(microsteps_max=30, internal_queue_max=100, turns_max=1_000)
_STEPS_MAX = 4


def read_machine(language: str, data: bytes) -> str:
    """Read a machine, and if it is one, compile it and let a few of its events happen to it."""
    reading = read(data, filename=_FILENAMES[language])
    is_wrong = any(found.severity == "error" for found in reading.diagnostics)
    assert is_wrong == (reading.definition is None)
    return "refused" if reading.definition is None else _run(reading.definition)


def _run(definition: Definition) -> str:
    machine = compile(definition, limits=_LIMITS)
    listed = [each.event or "" for node in definition.root.walk() for each in node.transitions]
    types = [event.split()[0].removesuffix(".*") for event in dict.fromkeys(listed) if event.strip()]
    try:
        state = start(machine, Event("0", "fuzz", "birth", None, None), 0).state
        for number, event_type in enumerate(types[:_STEPS_MAX], 1):
            state = step(machine, state, Event(str(number), "fuzz", event_type, {"n": number}, None), number).state
    except EngineError:
        return "stopped"
    return "run"


def write_machine_seeds(language: str, folder: Path) -> None:
    """Write machines for the fuzzer to begin with."""
    _write_seeds(machine_seeds.texts(language), folder)


def _write_seeds(texts: Iterator[str], folder: Path) -> None:
    for text in texts:
        (folder / hashlib.blake2b(text.encode(), digest_size=8).hexdigest()).write_text(text)


READERS: MappingProxyType[str, Callable[[bytes], str]] = MappingProxyType(
    {"cel": read_cel, **{language: partial(read_machine, language) for language in _FILENAMES}}
)
SEEDS: MappingProxyType[str, Callable[[Path], None]] = MappingProxyType(
    {"cel": write_cel_seeds, **{language: partial(write_machine_seeds, language) for language in _FILENAMES}}
)


def splicer() -> Splicer:
    """Give what changes expressions."""
    return Splicer(_expressions())


def grafter(language: str) -> Grafter:
    """Give what changes the trees of a language's machines."""
    return Grafter(language, machine_seeds.sound(language))


CHANGES: MappingProxyType[str, Callable[[], Grafter | Splicer]] = MappingProxyType(
    {"cel": splicer, **{language: partial(grafter, language) for language in _FILENAMES}}
)
_WORDS_OF_CEL = tuple(
    """
    context event.data event.time .exists( .exists_one( .all( .map( .filter( has( size( .size() in && || ! ? : == != <=
    >= .matches( .startsWith( .endsWith( .contains( .split( .join( .replace( .substring( .format( timestamp( duration(
    .getFullYear( 'Europe/Paris' .getSeconds() int( uint( double( string( bytes( bool( type( dyn( .orValue( .?a [?0]
    optional.of( optional.none() .hasValue() 9223372036854775807 -9223372036854775808 18446744073709551615u 1e308 0.1
    b'\\xff' r'a' \"\"\" '\\u00e9' null true {} [] {1: x.a} '(a+)+$' digest( fail( inState( cel.bind( math.greatest(
    """.split()  # noqa: SIM905 - one word a line would be eighty lines
)
WORDS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {"cel": _WORDS_OF_CEL, **{language: machine_seeds.words(language) for language in _FILENAMES}}
)
BYTES_MAX: MappingProxyType[str, int] = MappingProxyType(
    {"cel": 2_000, **dict.fromkeys(_FILENAMES, machine_seeds.BYTES_MAX)}
)
