"""Where the servers are: from the environment, else from what `foliot up` has left in the working directory."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, ClassVar, Final, TypeAlias

import typer
from pydantic import BaseModel, ValidationError

from foliot.cli.answers import Unavailable
from foliot.errors import FoliotError
from foliot.settings import Settings
from foliot.store import Connection, connect

STATE_FOLDER: Final = Path(".foliot")
_ADDRESSES: Final[tuple[str, ...]] = ("dsn_owner", "dsn_service", "dsn_front", "kafka", "broker_url", "key_pepper")
_PEPPER_FILE: Final = "key_pepper"
_PEPPER_BYTES: Final = 32
_LIVING: Final = frozenset({"starting", "ready", "stopping"})
_CALL_TIMEOUT_MS: Final = 15_000

Tenant: TypeAlias = Annotated[str, typer.Option("--tenant", help="Whose; else FOLIOT_TENANT, else 'default'.")]
OperationId: TypeAlias = Annotated[
    str, typer.Option("--operation-id", help="Makes it safe to repeat the call: the same id is done once.")
]


class _State(BaseModel):
    """The part of a supervisor's record that is read here, without the package that wrote it."""

    phase: str
    environment: dict[str, str] = {}


class BadSettings(FoliotError):
    """The environment has a setting that cannot be used."""

    code: ClassVar[str] = "bad_settings"
    remedy: ClassVar[str] = "Change the variable that is named, or leave it away."


class NoAddress(Unavailable):
    """Nobody has said where a server is."""

    code: ClassVar[str] = "no_address"
    remedy: ClassVar[str] = "Set the variable that is named, or start everything on this machine: foliot up"


def read_settings(folder: Path = STATE_FOLDER) -> Settings:
    """Build the settings of this process; addresses that the environment lacks come from a local installation.

    Raises:
        BadSettings: a value cannot be used.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        where = f"FOLIOT_{'_'.join(map(str, first['loc'])).upper()}" if first["loc"] else "environment"
        raise BadSettings(first["msg"], where=where) from error
    local = _local_addresses(folder)
    missing: dict[str, str] = {
        name: local[name] for name in _ADDRESSES if not getattr(settings, name) and name in local
    }
    if "kafka" in missing:
        # What the environment says of TLS and passwords is for other brokers.
        missing |= {name: part.default for name, part in Settings.model_fields.items() if name.startswith("kafka_")}
    return settings.model_copy(update=missing)


def own_pepper(folder: Path = STATE_FOLDER) -> str:
    """Give the pepper of the keys of a local installation; it is made once, and only its owner may read it.

    What the environment says comes before it.
    """
    if given := read_settings(folder).key_pepper:
        return given
    file = folder / _PEPPER_FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text(secrets.token_hex(_PEPPER_BYTES))
    return file.read_text()


def address(settings: Settings, name: str) -> str:
    """Give an address of the settings by its name.

    Raises:
        NoAddress: it is nowhere.
    """
    value: str = getattr(settings, name)
    if not value:
        raise NoAddress(
            f"FOLIOT_{name.upper()} is not set, and nothing runs from {STATE_FOLDER} in this directory",
            where=f"FOLIOT_{name.upper()}",
        )
    return value


@contextmanager
def service() -> Iterator[tuple[Connection, Settings]]:
    """Connect as the service role, for the time of one command."""
    settings = read_settings()
    dsn = address(settings, "dsn_service")
    with connect(dsn, application="foliot", timeout_ms=_CALL_TIMEOUT_MS) as connection:
        yield connection, settings


def whoami() -> str:
    """Tell who calls, for the registry's notes."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _local_addresses(folder: Path) -> dict[str, str]:
    """Read what the supervisor wrote; a record that cannot be read is none."""
    try:
        state = _State.model_validate_json((folder / "state.json").read_bytes())
    except (OSError, ValidationError):
        return {}
    if state.phase not in _LIVING:
        return {}
    found = {name.removeprefix("FOLIOT_").lower(): value for name, value in state.environment.items()}
    with suppress(OSError):
        found["key_pepper"] = (folder / _PEPPER_FILE).read_text()
    return found
