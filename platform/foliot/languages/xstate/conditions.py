"""What XState knows by itself and Foliot by a guard: that an event is called exactly so.

To XState `order` is one event and `order.*` are it and all that begin with `order.`; to Foliot, as to SCXML, both are
the latter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from foliot.cel import literal

_CHAIN_MAX: Final = 20
"""So many conditions stand side by side, more of them in brackets: CEL lets no chain have a hundred."""


def is_pattern(descriptor: str) -> bool:
    """Say whether a descriptor of XState fits more than one event."""
    return descriptor == "*" or descriptor.endswith(".*")


def exactly(descriptor: str) -> str:
    """Write the condition that an event is called exactly so."""
    return f"event.type == {literal(descriptor)}"


def narrowed(descriptor: str, guard: str | None) -> str:
    """Add to a guard that the event must be called exactly as the descriptor says, where it does not say so yet."""
    condition = exactly(descriptor)
    if guard is None or is_narrowed(descriptor, guard):
        return guard or condition
    return f"{condition} && ({guard})"


def is_narrowed(descriptor: str, guard: str | None) -> bool:
    """Say whether `narrowed` has made this guard."""
    return guard is not None and (guard == exactly(descriptor) or guard.startswith(f"{exactly(descriptor)} && ("))


def widened(descriptor: str, guard: str) -> str | None:
    """Take away what `narrowed` has added."""
    rest = guard.removeprefix(exactly(descriptor))
    return rest.removeprefix(" && (").removesuffix(")") if rest else None


def prefix_of(descriptor: str) -> str:
    """Give what all events that fit have in common; the empty text for `*`."""
    return "" if descriptor == "*" else descriptor.removesuffix(".*")


def covers(one: str, other: str) -> bool:
    """Say whether all events that begin with the prefix `other` begin with `one` too."""
    return not one or one == other or other.startswith(f"{one}.")


def fits(prefix: str) -> str:
    """Write the condition that an event begins with a prefix."""
    return f"{exactly(prefix)} || event.type.startsWith({literal(f'{prefix}.')})" if prefix else "true"


def unless(guard: str | None, others: Iterable[str]) -> str | None:
    """Write the condition that a guard holds and none of the others, which stand in brackets, does."""
    parts = [*([] if guard is None else [f"({guard})"]), *(f"!{other}" for other in others)]
    while len(parts) > _CHAIN_MAX:
        parts = [f"({' && '.join(parts[at : at + _CHAIN_MAX])})" for at in range(0, len(parts), _CHAIN_MAX)]
    return " && ".join(parts) or None


def deepest(guard: str) -> str:
    """Put a guard where the functions above, and selection, put it at the deepest: as one of many others."""
    return f"true && (true && (true && !(true && ({guard}))))"
