"""What an expression may name: variables with their types, and host functions out of a closed list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from foliot.cel.host_functions import HOST_FUNCTIONS, HostFunction
from foliot.cel.kinds import Type
from foliot.cel.weights import Weight

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Environment:
    """The names that expressions see.

    `Program.evaluate` takes the values of `variables` in their order, then those of `functions` that are passed, in
    theirs: with `{"context": …, "event": …}` and `(IN_STATE, DIGEST)` it is `evaluate(context, event, in_state)`.
    A value must have the type that is declared for it; what is not known in advance is `DYN`.

    `weights` has what is known of the values at dotted paths such as `event.data.items` (`schema_weights`); bounds of
    cost stand on it.
    """

    variables: Mapping[str, Type]
    functions: tuple[HostFunction, ...] = ()
    weights: Mapping[str, Weight] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.variables:
            if not _NAME.match(name):
                raise ValueError(f"{name!r} is no CEL identifier")
        if not set(self.functions) <= set(HOST_FUNCTIONS):
            raise ValueError("a host function must be one of HOST_FUNCTIONS")
