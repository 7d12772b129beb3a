"""API keys: random secrets, of which the database has an HMAC under a pepper that it never sees.

A key reads `foliot_<id>_<secret>`. The id finds its row; the secret has 256 bits, so a fast keyed hash is enough, and a
stolen table opens nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from foliot.errors import FoliotError
from foliot.registry import tenant_number
from foliot.store import Connection, commit, end_reading, load, roll_back

Scope: TypeAlias = Literal["read", "send", "publish", "operate"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""read: instances, machines, dead letters. send: events. publish: machines, channels. operate: dead letters, holds."""

_SQL: Final = load("access")
_FRONT: Final = load("front")
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"foliot_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
_PEPPER_CHARS_MIN: Final = 32
_NOBODY: Final = bytes(32)
"""Compared with where there is no such key, so that it takes as long."""


class NoPepper(FoliotError):
    """The pepper is missing or too short."""

    code: ClassVar[str] = "no_pepper"
    remedy: ClassVar[str] = (
        "Set FOLIOT_KEY_PEPPER to a long random text that is kept apart from the database: openssl rand -hex 32"
    )


class KeyRefused(FoliotError):
    """No key was sent, or one that opens nothing."""

    code: ClassVar[str] = "unauthenticated"
    remedy: ClassVar[str] = "Ask an operator for a key (foliot keys create) and send it as Authorization: Bearer KEY."


class UnknownKey(FoliotError):
    """The tenant has no key of that id."""

    code: ClassVar[str] = "unknown_key"
    remedy: ClassVar[str] = "Choose a key of the list: foliot keys list"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as operators see it; the secret is nowhere."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    made_by: str
    at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `token` is shown this once."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the tenant that a key is bound to, and what it may do."""

    key: str
    tenant: int
    tenant_slug: str
    scopes: frozenset[str]

    @property
    def signature(self) -> str:
        """Say who it was, for what is kept of what was done."""
        return f"key {self.key}"


def make_key(
    connection: Connection,
    pepper: str,
    tenant: str,
    *,
    name: str,
    scopes: tuple[Scope, ...],
    days: float | None,
    by: str,
) -> NewKey:
    """Make a key and commit it; `days` is how long it opens, None for ever.

    Raises:
        NoPepper: there is no pepper to hash it with.
        UnknownTenant: there is no such tenant.
    """
    try:
        made = _make(connection, pepper, tenant_number(connection, tenant), name=name, scopes=scopes, days=days, by=by)
        commit(connection, "access")
    except BaseException:
        roll_back(connection)
        raise
    return made


def list_keys(connection: Connection, tenant: str) -> tuple[Key, ...]:
    """Give a tenant's keys, the newest last."""
    rows = _SQL["list_keys"].run(connection, {"tenant": tenant_number(connection, tenant)}).fetchall()
    end_reading(connection)
    return tuple(Key(id_, name, tuple(scopes), *rest) for id_, name, scopes, *rest in rows)


def rotate_key(
    connection: Connection, pepper: str, tenant: str, id_: str, *, grace_s: float, days: float | None, by: str
) -> NewKey:
    """Make a key with the name and scopes of another, which opens for `grace_s` more seconds.

    Raises:
        UnknownKey: there is none, or it opens nothing any more.
    """
    try:
        number = tenant_number(connection, tenant)
        name, scopes = _lock(connection, number, id_, must_open=True)
        made = _make(connection, pepper, number, name=name, scopes=scopes, days=days, by=by)
        _SQL["end_key"].run(connection, {"id": id_, "seconds": grace_s})
        commit(connection, "access")
    except BaseException:
        roll_back(connection)
        raise
    return made


def revoke_key(connection: Connection, tenant: str, id_: str) -> None:
    """End a key at once; front doors that run notice within seconds.

    Raises:
        UnknownKey: there is none.
    """
    try:
        _lock(connection, tenant_number(connection, tenant), id_, must_open=False)
        _SQL["revoke_key"].run(connection, {"id": id_})
        commit(connection, "access")
    except BaseException:
        roll_back(connection)
        raise


def authenticate(connection: Connection, pepper: str, token: str) -> Caller:
    """Tell who holds a key.

    Raises:
        KeyRefused: it opens nothing; whether there is such a key is told only to who has its secret.
    """
    id_, secret = parts_of(token)
    row = _FRONT["key"].run(connection, {"id": id_}).fetchone()
    tenant, slug, hashed, scopes, expired, revoked = row or (0, "", _NOBODY, [], False, False)
    right = hmac.compare_digest(_hash(pepper, secret), bytes(hashed))
    if row is None or not right:
        raise _unknown()
    if expired or revoked:
        what = "the key was revoked" if revoked else "the key has expired"
        raise KeyRefused(what, where="authorization", remedy="Ask an operator for another key.")
    return Caller(id_, tenant, slug, frozenset(scopes))


def parts_of(token: str) -> tuple[str, str]:
    """Give the id and the secret of a key; what does not look like one needs no look into the database.

    Raises:
        KeyRefused: it is no key.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise _unknown()
    return match[1], match[2]


def _unknown() -> KeyRefused:
    return KeyRefused("the key is not known", where="authorization")


def check_pepper(pepper: str) -> None:
    """Look whether keys can be made and known with this pepper.

    Raises:
        NoPepper: it is missing or too short.
    """
    if len(pepper) < _PEPPER_CHARS_MIN:
        raise NoPepper(
            f"the pepper has fewer than {_PEPPER_CHARS_MIN} characters",
            where="FOLIOT_KEY_PEPPER",
        )


def _make(
    connection: Connection,
    pepper: str,
    tenant: int,
    *,
    name: str,
    scopes: tuple[Scope, ...],
    days: float | None,
    by: str,
) -> NewKey:
    id_, secret = secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
    parameters = {
        "id": id_,
        "tenant": tenant,
        "name": name,
        "hash": _hash(pepper, secret),
        "scopes": scopes,
        "by": by,
        "days": days,
    }
    ((_, expires_at),) = _SQL["insert_key"].run(connection, parameters).fetchall()
    return NewKey(id_, name, scopes, expires_at, f"foliot_{id_}_{secret}")


def _lock(connection: Connection, tenant: int, id_: str, *, must_open: bool) -> tuple[str, tuple[Scope, ...]]:
    row = _SQL["lock_key"].run(connection, {"id": id_, "tenant": tenant}).fetchone()
    if row is None or (must_open and not row[2]):
        what = f"there is no key {id_!r}" if row is None else f"the key {id_!r} opens nothing any more"
        raise UnknownKey(what, where="key")
    return row[0], tuple(row[1])


def _hash(pepper: str, secret: str) -> bytes:
    check_pepper(pepper)
    return hmac.digest(pepper.encode(), secret.encode(), "sha256")
