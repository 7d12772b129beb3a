"""`foliot up`, `down`, `status` and `logs`."""

from __future__ import annotations

import sys
import time
from collections import deque
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from foliot import local
from foliot.cli.addresses import STATE_FOLDER, own_pepper, read_settings
from foliot.cli.answers import Answer, Table
from foliot.cli.builtin import register
from foliot.cli.commands import Commands, find_commands
from foliot.errors import FoliotError, Refusal

_FOLIOT: Final = (sys.executable, "-m", "foliot.cli")
_PREPARE: Final = ("db upgrade", "topics")
_PROGRAMS: Final = ("worker", "ingest", "relay")
_API: Final = "api"
_API_SECONDS_MAX: Final = 30.0
_LOOK_SECONDS: Final = 0.05
_LINES_MAX: Final = 100_000


class KafkaKind(StrEnum):
    """Which broker runs on this machine."""

    TANSU = "tansu"
    APACHE = "apache"


class NoLog(FoliotError):
    """There is no log of that name."""

    code: ClassVar[str] = "no_log"
    remedy: ClassVar[str] = "Choose a part that foliot status shows, or start them all: foliot up"


def up(
    *,
    kafka: Annotated[
        KafkaKind,
        typer.Option("--kafka", envvar="FOLIOT_UP_KAFKA", help="tansu: in memory; apache: Apache Kafka on Java."),
    ] = KafkaKind.TANSU,
    api_port: Annotated[
        int, typer.Option("--api-port", envvar="FOLIOT_API_PORT", min=0, max=65_535, help="0 takes a free one.")
    ] = 0,
) -> Answer:
    """Start all servers and programs on this machine and wait until they are ready; all state is in .foliot.

    The HTTP API lets this machine's own programs in without a key, as FOLIOT_TENANT.
    """
    known = find_commands(register(Commands())).entries
    programs = [local.Program(name=name, argv=(*_FOLIOT, name)) for name in _PROGRAMS if name in known]
    config = local.Config(
        state_folder=STATE_FOLDER,
        kafka=kafka.value,
        prepare=tuple((*_FOLIOT, *name.split()) for name in _PREPARE if name in known),
        programs=(*programs, _api(api_port)),
    )
    now = local.start_in_background(config, progress=_tell)
    _await_api(now)
    return _told(now, addresses=True)


def down() -> Answer:
    """Stop all that `up` has started; data stays in .foliot."""
    return _told(local.stop(STATE_FOLDER))


def status() -> Answer:
    """Tell what runs on this machine; exit code 1 where it is not ready."""
    now = local.status(STATE_FOLDER)
    refusal = None
    if now.phase != "ready":
        refusal = Refusal("not_ready", now.failure or f"it is {now.phase}", str(STATE_FOLDER), "Run: foliot up")
    return _told(now, refusal=refusal, addresses=now.phase == "ready")


def logs(
    part: Annotated[str, typer.Argument(help="A part of `foliot status`, supervisor or prepare.")] = "supervisor",
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=_LINES_MAX)] = 50,
) -> Answer:
    """Show the last lines of a part's log."""
    files = _log_files(local.status(STATE_FOLDER))
    file = files.get(part)
    if file is None or not file.exists():
        known = ", ".join(name for name, path in files.items() if path.exists())
        remedy = f"There is: {known}." if known else "Run: foliot up"
        raise NoLog(f"there is no log of {part!r}", where=str(STATE_FOLDER), remedy=remedy)
    with file.open(encoding="utf-8", errors="replace") as stream:
        last = [line.rstrip("\n") for line in deque(stream, maxlen=lines)]
    return Answer({"file": file, "lines": last}, ("\n".join(last),))


def _api(port: int) -> local.Program:
    """Describe the HTTP API on this machine: on its former port, if that is free, unless one is asked for."""
    former = local.status(STATE_FOLDER).part(_API)
    if not port:
        port = former.port if former and former.port and local.is_free(former.port) else local.free_port()
    environment = {
        "FOLIOT_API_HOST": local.HOST,
        "FOLIOT_API_PORT": str(port),
        "FOLIOT_API_ANONYMOUS_TENANT": read_settings().tenant,
        "FOLIOT_KEY_PEPPER": own_pepper(),
    }
    return local.Program(name=_API, argv=(*_FOLIOT, _API), env=environment, port=port)


def _await_api(now: local.Status) -> None:
    """Wait until the API takes connections: it does so only after it has looked at Postgres and its role."""
    api = now.part(_API)
    if api is None or api.port is None:
        return
    deadline = time.monotonic() + _API_SECONDS_MAX
    while not local.accepts(api.port):
        if time.monotonic() > deadline:
            what = f"the HTTP API does not answer on {api.address}; all else runs"
            raise local.NotReadyInTime(what, where=f"{STATE_FOLDER}/logs/{_API}.log", remedy="Run: foliot logs api")
        time.sleep(_LOOK_SECONDS)


def _told(now: local.Status, *, refusal: Refusal | None = None, addresses: bool = False) -> Answer:
    rows = tuple(
        (
            part.name,
            part.kind,
            str(part.process.pid) if part.process and part.process.lives() else "-",
            part.address or "",
            str(part.restarts),
        )
        for part in now.parts
    )
    views: list[str | Table] = [str(now.phase)]
    if now.phase != "down":
        views.append(Table(("part", "kind", "pid", "address", "restarts"), rows))
    if addresses:
        views.append("\n".join(f"{name}={value}" for name, value in now.environment.items()))
    return Answer(now.model_dump(mode="json"), tuple(views), refusal)


def _log_files(now: local.Status) -> dict[str, Path]:
    folder = STATE_FOLDER / "logs"
    files = {name: folder / f"{name}.log" for name in ("supervisor", "prepare")}
    for part in now.parts:
        if part.kind == "program":
            files[part.name] = folder / f"{part.name}.log"
        elif now.data_folder is not None:
            # Each server keeps one log below a folder that bears its kind.
            found = sorted(now.data_folder.glob(f"{part.kind}*/log/*.log"))
            files |= {part.name: found[0]} if found else {}
    return files


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
