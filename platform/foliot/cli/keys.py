"""`foliot keys`: API keys are made, listed, replaced and ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import typer

from foliot import access
from foliot.cli.addresses import Tenant, service, whoami
from foliot.cli.answers import Answer, Table
from foliot.cli.wording import moment

KeyId: TypeAlias = Annotated[str, typer.Argument(help="The key's id: what stands between the underscores.")]
Days: TypeAlias = Annotated[float | None, typer.Option("--days", help="Days that it opens; else for ever.", min=0)]


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    SEND = "send"
    PUBLISH = "publish"
    OPERATE = "operate"


_GRACE_S: Final = 86_400.0


def create(
    name: Annotated[str, typer.Argument(help="What it is for; anything that tells it from others.")],
    *,
    scope: Annotated[list[Scope], typer.Option("--scope", help="What it may do; may be given several times.")],
    days: Days = None,
    tenant: Tenant = "",
) -> Answer:
    """Make a key. It is shown this once; only its hash is kept, under FOLIOT_KEY_PEPPER."""
    with service() as (connection, settings):
        made = access.make_key(
            connection,
            settings.key_pepper,
            tenant or settings.tenant,
            name=name,
            scopes=tuple(dict.fromkeys(each.value for each in scope)),
            days=days,
            by=whoami(),
        )
    return Answer(made, (made.token,))


def list_all(*, tenant: Tenant = "") -> Answer:
    """List keys, also those that open nothing any more."""
    with service() as (connection, settings):
        keys = access.list_keys(connection, tenant or settings.tenant)
    rows = tuple(
        (
            key.id,
            key.name,
            ",".join(key.scopes),
            moment(key.at),
            "" if key.expires_at is None else moment(key.expires_at),
            "" if key.revoked_at is None else moment(key.revoked_at),
        )
        for key in keys
    )
    return Answer(keys, (Table(("id", "name", "scopes", "made", "expires", "revoked"), rows),))


def rotate(
    key: KeyId,
    *,
    grace_s: Annotated[float, typer.Option("--grace", help="Seconds that the old key still opens.", min=0)] = _GRACE_S,
    days: Days = None,
    tenant: Tenant = "",
) -> Answer:
    """Make a key with the same name and scopes, and let the old one expire."""
    with service() as (connection, settings):
        made = access.rotate_key(
            connection,
            settings.key_pepper,
            tenant or settings.tenant,
            key,
            grace_s=grace_s,
            days=days,
            by=whoami(),
        )
    return Answer(made, (made.token,))


def revoke(key: KeyId, *, tenant: Tenant = "") -> Answer:
    """End a key at once; servers that run notice within five seconds."""
    with service() as (connection, settings):
        access.revoke_key(connection, tenant or settings.tenant, key)
    return Answer({"revoked": key}, (f"key {key} opens nothing any more",))
