"""Gives an error of a running evaluation its place in the expression: generated code carries the positions of CEL."""

from __future__ import annotations

from itertools import islice
from typing import NoReturn

from foliot.cel.failures import CelBudgetExceeded, EvaluationError


def absorb(error: Exception) -> EvaluationError:
    """Return the located error of a side of logic or a turn of a loop; it is raised if nothing absorbs it.

    Raises:
        CelBudgetExceeded: nothing absorbs this one.
    """
    if isinstance(error, CelBudgetExceeded):
        raise error
    return _located(error)


def fail(error: Exception) -> NoReturn:
    """End the evaluation with the error, located."""
    if isinstance(error, CelBudgetExceeded):
        raise error
    raise _located(error) from None


def _located(error: Exception) -> EvaluationError:
    if isinstance(error, EvaluationError) and error.line:
        return error
    line, column = _place(error)
    match error:
        case EvaluationError():
            return EvaluationError(error.reason, error.what, line=line, column=column, remedy=error.hint)
        case KeyError():
            field = error.args[0] if error.args else ""
            return EvaluationError(
                "no_such_field", f"The map has no field {field!r}.", line=line, column=column, remedy="Ask has() first."
            )
        case _:
            return EvaluationError("no_matching_overload", "Only a map has fields.", line=line, column=column)


def _place(error: Exception) -> tuple[int, int]:
    """Return the 1-based line and column in the expression; the outermost frame is the generated function's."""
    traceback = error.__traceback__
    if traceback is None:
        return 0, 0
    positions = traceback.tb_frame.f_code.co_positions()
    line, _, column, _ = next(islice(positions, traceback.tb_lasti // 2, None), (None, None, None, None))
    return (line, column + 1) if line is not None and column is not None else (0, 0)
