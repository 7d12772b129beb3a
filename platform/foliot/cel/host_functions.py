"""The closed list of functions beyond standard CEL: what checker, generator and evaluation know of each stands here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from foliot.cel.failures import EvaluationError
from foliot.cel.kinds import BOOL, DYN, STRING, Type
from foliot.cel.metering import Meter, charge_length
from foliot.cel.values import kind_of, no_overload

_DIGEST: Final = hashlib.blake2b(digest_size=16)
"""Copied, which takes half the time of beginning anew."""


def digest(text: Any, meter: Meter | None) -> str:
    """Return the BLAKE2b (16 bytes, lower-case hex) of the text's UTF-8."""
    if type(text) is not str:
        raise no_overload("digest()", text)
    charge_length(meter, text)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise EvaluationError("invalid_argument", "The text has a lone surrogate, so it has no UTF-8.") from None
    hashing = _DIGEST.copy()
    hashing.update(encoded)
    return hashing.hexdigest()


def refuse(what: Any) -> NoReturn:
    """End the evaluation with an error in the expression's own words."""
    if type(what) is not str:
        raise no_overload("fail()", what)
    raise EvaluationError("failed", what)


def call_passed(function: Callable[[Any], Any], name: str, argument: Any, parameter: str, result: str) -> Any:
    """Call a host function that the caller of the evaluation passed."""
    if kind_of(argument) != parameter:
        raise no_overload(f"{name}()", argument)
    try:
        value = function(argument)
    except (KeyError, TypeError) as fault:
        # Generated code takes these two for failed selections; here they are the host's own fault.
        raise RuntimeError(f"the host function {name} failed") from fault
    assert kind_of(value) == result, f"the host function {name} must return {result}"  # noqa: S101 (our own bug)
    return value


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function of one argument.

    `evaluate` does its work, and takes the meter behind the argument where the function `is_charged`. Without it the
    caller of an evaluation passes the function, behind the variables (`is_passed`).
    """

    name: str
    parameter: Type
    result: Type
    evaluate: Callable[..., Any] | None = None
    is_charged: bool = False

    @property
    def is_passed(self) -> bool:
        """Say whether the caller of an evaluation passes it."""
        return self.evaluate is None

    @property
    def operation(self) -> str:
        """What generated code calls it, where it is not passed."""
        return f"host_{self.name}"


IN_STATE: Final = HostFunction("inState", STRING, BOOL)
DIGEST: Final = HostFunction("digest", STRING, STRING, digest, is_charged=True)
FAIL: Final = HostFunction("fail", STRING, DYN, refuse)
HOST_FUNCTIONS: Final = (IN_STATE, DIGEST, FAIL)
