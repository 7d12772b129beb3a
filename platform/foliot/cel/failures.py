"""What can be wrong with an expression, before and while it is evaluated."""

from __future__ import annotations

from dataclasses import replace

from foliot.errors import FoliotError


class CelError(FoliotError):
    """Something is wrong with an expression; `line` and `column` are 1-based, 0 where the place is not known."""

    code = "cel"

    def __init__(self, what: str, *, line: int = 0, column: int = 0, remedy: str = "") -> None:
        self.line = line
        self.column = column
        super().__init__(what, where=f"{line}:{column}" if line else "", remedy=remedy)


class CelSyntaxError(CelError):
    """The text is not an expression, or is larger or deeper than the limits."""

    code = "cel_syntax"
    remedy = "Correct it at this place; CEL writes && for and, || for or, ! for not, and texts in quotes."


class CelTypeError(CelError):
    """The expression names what does not exist, or can never be evaluated without an error."""

    code = "cel_type"
    remedy = "Use only names that are known here, with operators and functions that take their types."


class EvaluationError(CelError):
    """The expression has no value for this input.

    `reason` is one word for programs to compare: `no_such_field`, `no_such_key`, `index_out_of_range`,
    `integer_overflow`, `division_by_zero`, `no_matching_overload`, `invalid_argument`, `duplicate_key`,
    `out_of_range` (of a time), `no_value` (of an optional), `value_too_large`, `not_json`, `failed` (by `fail()`) or
    `budget_exceeded`.
    `hint` is the remedy that was given for this very case, if any.
    """

    code = "cel_evaluation"
    remedy = "Ask for what may be missing or unfit first: has() for a field, size() for a list, 0 for a divisor."

    def __init__(self, reason: str, what: str, *, line: int = 0, column: int = 0, remedy: str = "") -> None:
        self.reason = reason
        self.what = what
        self.hint = remedy
        super().__init__(f"{reason}: {what}", line=line, column=column, remedy=remedy)

    def __str__(self) -> str:
        # Machines are told this text and may keep it; a replay must find the same. So the class's remedy, whose words
        # may change, is in the refusal alone.
        return str(replace(self.refusal, remedy=self.hint))


class CelBudgetExceeded(EvaluationError):
    """The evaluation cost more than its deterministic budget; unlike other errors, logic never absorbs it."""

    code = "cel_budget_exceeded"
    # Machines are told these words as the hint of the error: see `EvaluationError`.
    remedy = "Loop over fewer elements, or compare and join smaller values."

    def __init__(self, cost_max: int) -> None:
        super().__init__(
            "budget_exceeded",
            f"The evaluation costs more than {cost_max} units.",
            remedy=self.remedy,
        )
