"""Packed arrays as the driver takes them: a class for each type, registered with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format


class _Array(bytes):
    """A packed array; each type has a class of its own, which is how the driver learns the type."""

    __slots__ = ()


class _ArrayDumper(Dumper):
    """Hands a packed array on as it is."""

    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        """Give the bytes."""
        return bytes(obj)


def packed_array(array_oid: int) -> Callable[[bytes], bytes]:
    """Make the class of packed arrays of a type: it marks bytes as such an array."""
    packed: type[_Array] = type(f"Array{array_oid}", (_Array,), {"__slots__": ()})
    dumper = type(f"Array{array_oid}Dumper", (_ArrayDumper,), {"oid": array_oid})
    psycopg.adapters.register_dumper(packed, dumper)
    return packed
