"""Who may do what at the front doors: API keys, each bound to a tenant."""

from foliot.access.keys import (
    SCOPES,
    Caller,
    Key,
    KeyRefused,
    NewKey,
    NoPepper,
    Scope,
    UnknownKey,
    authenticate,
    check_pepper,
    list_keys,
    make_key,
    parts_of,
    revoke_key,
    rotate_key,
)

__all__ = [
    "SCOPES",
    "Caller",
    "Key",
    "KeyRefused",
    "NewKey",
    "NoPepper",
    "Scope",
    "UnknownKey",
    "authenticate",
    "check_pepper",
    "list_keys",
    "make_key",
    "parts_of",
    "revoke_key",
    "rotate_key",
]
