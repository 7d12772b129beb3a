"""Which steps a watcher wants: a CEL expression over `step`."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from foliot.cel import BOOL, MAP, CelBudgetExceeded, CelError, Environment, EvaluationError, compile_expression
from foliot.errors import FoliotError

_ENVIRONMENT: Final = Environment({"step": MAP})


class FilterRefused(FoliotError):
    """A filter is no CEL expression over `step` that is true or false."""

    code: ClassVar[str] = "filter_refused"
    remedy: ClassVar[str] = "Write CEL over 'step' that is true or false, such as step.key.startsWith('EU-')."


class FilterTooCostly(FoliotError):
    """A filter costs more on one step than an expression may; what follows that step cannot be told."""

    code: ClassVar[str] = "filter_too_costly"
    remedy: ClassVar[str] = "Write a filter that does less; then watch from now."


class StepFilter:
    """A compiled filter. A step for which it has no value, since a field is not there, is not wanted."""

    def __init__(self, source: str) -> None:
        """Compile it.

        Raises:
            FilterRefused: with the line and column of what is wrong.
        """
        try:
            self._program = compile_expression(source, _ENVIRONMENT, want=BOOL)
        except CelError as error:
            where = f"filter:{error.line}:{error.column}" if error.line else "filter"
            what = error.refusal.what
            raise FilterRefused(what, where=where, remedy=error.refusal.remedy) from error

    def wants(self, step: dict[str, Any]) -> bool:
        """Tell whether a step is wanted.

        Raises:
            FilterTooCostly: it costs more than its budget.
        """
        try:
            return bool(self._program.evaluate(step))
        except CelBudgetExceeded as error:
            raise FilterTooCostly(error.what, where=f"step {step['shard']}.{step['n']}") from error
        except EvaluationError:
            return False
