"""Hashes under the installation's secret: what they are of cannot be guessed from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

HASH_BYTES: Final = 16


@lru_cache(maxsize=16)
def keyed_hash(secret: bytes) -> Callable[[bytes], bytes]:
    """Give the function that hashes texts under `secret`: BLAKE2b, 16 bytes.

    The state after the secret is kept and copied, which takes half the time of beginning anew.
    """
    begun = blake2b(digest_size=HASH_BYTES, key=secret)

    def hash_of(text: bytes) -> bytes:
        hashing = begun.copy()
        hashing.update(text)
        return hashing.digest()

    return hash_of
