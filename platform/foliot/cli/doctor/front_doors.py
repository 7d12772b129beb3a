"""The HTTP API: its pepper and keys, and who is let in without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from foliot.access import NoPepper, check_pepper
from foliot.cli.doctor.findings import Finding, failure, passed, warning
from foliot.cli.serving import is_loopback
from foliot.settings import Settings
from foliot.store import StoreError, connect, load

_SQL: Final = load("doctor")
_PART: Final = "api"
_TIMEOUT_MS: Final = 5_000
_CHARACTERS_MIN: Final = 8


def check_front_doors(settings: Settings) -> Iterator[Finding]:
    """Look at what lets callers in."""
    outside = not is_loopback(settings.api_host)
    try:
        check_pepper(settings.key_pepper)
    except NoPepper as error:
        # Whoever does not run the API needs none; nobody can call one that has none.
        yield warning(_PART, "pepper", error.refusal.what, error.refusal.remedy)
    else:
        if len(set(settings.key_pepper)) < _CHARACTERS_MIN:
            yield failure(_PART, "pepper", "it can be guessed", "Make one: openssl rand -hex 32; then make new keys.")
        else:
            yield passed(_PART, "pepper", "long enough")
    if settings.api_anonymous_tenant:
        says = f"callers without a key are {settings.api_anonymous_tenant!r} on {settings.api_host}"
        if outside:
            yield failure(_PART, "anonymous", says, "Unset FOLIOT_API_ANONYMOUS_TENANT, or bind to 127.0.0.1.")
        else:
            yield warning(_PART, "anonymous", says, "Unset FOLIOT_API_ANONYMOUS_TENANT where others use the machine.")
    else:
        yield passed(_PART, "anonymous", "by these settings nobody is let in without a key")
    yield from _keys(settings, outside=outside)


def _keys(settings: Settings, *, outside: bool) -> Iterator[Finding]:
    if not settings.dsn_service:
        return
    try:
        with connect(settings.dsn_service, application="foliot", timeout_ms=_TIMEOUT_MS) as connection:
            keys, ending = _SQL["keys"].run(connection).fetchone() or (0, 0)
    except StoreError:
        # Told where Postgres is looked at.
        return
    if not keys and outside:
        yield failure(_PART, "keys", "there is none, and the API refuses to start", "Run: foliot keys create")
    elif ending:
        yield warning(_PART, "keys", f"{ending} of {keys} end within a week", "Run: foliot keys rotate ID")
    else:
        yield passed(_PART, "keys", f"{keys} open something")
