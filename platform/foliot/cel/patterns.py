"""Regular expressions in linear time: RE2, whose syntax and meaning CEL has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

from foliot.cel.failures import EvaluationError

# Bytes of memory of one expression, compiled; it bounds the size of its program too.
_MEMORY_MAX: Final = 1024 * 1024
PROGRAM_SIZE_MAX: Final = _MEMORY_MAX // 24
_CACHED_MAX: Final = 128

# Where RE2 has to follow many alternatives at once, a character costs some nanoseconds for each instruction.
_STEPS_PER_UNIT: Final = 128
_COMPILED_PER_UNIT: Final = 16
REFUSED_COST: Final = PROGRAM_SIZE_MAX // _COMPILED_PER_UNIT
"""What is charged for an expression that is none: it may have been built as far as one may be."""


def compile_pattern(pattern: str) -> Any:
    """Return the compiled expression.

    Raises:
        EvaluationError: it is none, or too large.
    """
    try:
        return _compiled(pattern)
    except (re2.error, UnicodeEncodeError):
        # Machines are told these words and may keep them; those of RE2 may be others in its next version.
        what = f"{pattern[:40]!r} is no regular expression of RE2, or too large a one."
        raise EvaluationError("invalid_argument", what) from None


def pattern_cost(characters: int, program_size: int) -> int:
    """Return the units of compiling a program and running it over a text."""
    return program_size // _COMPILED_PER_UNIT + characters * program_size // _STEPS_PER_UNIT


@lru_cache(_CACHED_MAX)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_MAX
    options.log_errors = False
    options.never_capture = True
    compiled = re2.compile(pattern.encode(), options)
    if compiled.programsize > PROGRAM_SIZE_MAX:
        raise re2.error(b"pattern too large")
    return compiled
