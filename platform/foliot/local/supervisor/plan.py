"""What a supervisor is to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SERVER_NAMES = ("postgres", "valkey", "kafka")

Argv = Annotated[tuple[str, ...], Field(min_length=1)]


class Program(BaseModel):
    """A process that uses the servers: a worker, an ingester, a relay.

    It is sent SIGTERM to end. With `restart` it is started again whenever it ends. One that serves on a port of
    127.0.0.1 names it, so that the status tells its address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    argv: Argv
    env: dict[str, str] = {}
    restart: bool = True
    port: int | None = None


class Config(BaseModel):
    """Servers, what to do when they are up, and the programs after that.

    `prepare` are commands, run one after the other when the servers answer and the database exists. They and the
    programs find the servers by the variables of `Status.environment`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_folder: Path = Path(".foliot")
    kafka: Literal["tansu", "apache"] = "tansu"
    database: str = "foliot"
    prepare: tuple[Argv, ...] = ()
    programs: tuple[Program, ...] = ()
    start_seconds_max: float = Field(default=120.0, gt=0)
    grace_seconds: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _names_differ(self) -> Config:
        names = [*SERVER_NAMES, "prepare", "supervisor", *(program.name for program in self.programs)]
        if len(set(names)) < len(names):
            raise ValueError(f"two parts have the same name: {', '.join(sorted(names))}")
        return self
