"""`foliot api`: one process that serves HTTP until SIGTERM."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import ClassVar

from foliot.access import check_pepper
from foliot.api import Doors, Server, make_api, server_config
from foliot.cli.addresses import address, read_settings
from foliot.cli.answers import Unavailable
from foliot.errors import FoliotError
from foliot.interpreter import collect_seldom, take_short_turns
from foliot.logs import configure_logs
from foliot.runtime import NoWake, find_wake
from foliot.settings import Settings


class OpenDoor(FoliotError):
    """The API would be open to others without a key."""

    code: ClassVar[str] = "open_door"
    remedy: ClassVar[str] = "Bind to 127.0.0.1, or let nobody in without a key."


class NotStarted(Unavailable):
    """The API could not take its address; it has said why."""

    code: ClassVar[str] = "api_not_started"
    remedy: ClassVar[str] = "Free the port, or set another FOLIOT_API_PORT."


def serve() -> None:
    """Serve the HTTP API until told to stop; requests in hand are answered first.

    Raises:
        OpenDoor: it would be open to others without a key.
        NotStarted: somebody else has its port.
    """
    settings = read_settings()
    address(settings, "dsn_front")
    configure_logs(settings)
    if not settings.api_anonymous_tenant:
        check_pepper(settings.key_pepper)
    check_binding(settings)
    collect_seldom()
    take_short_turns()
    doors = Doors(settings, find_wake(settings))
    server = Server(server_config(make_api(doors), settings), doors)
    # Where it cannot start, it says why in its own words and would leave.
    with suppress(KeyboardInterrupt, SystemExit):
        server.run()
    if not server.started:
        raise NotStarted("the API could not start", where=f"{settings.api_host}:{settings.api_port}")


def check_binding(settings: Settings) -> None:
    """Refuse to be reached from elsewhere by callers without keys.

    Raises:
        OpenDoor: the address is not this machine's own, and there are no keys, or none are needed.
    """
    if is_loopback(settings.api_host):
        return
    if settings.api_anonymous_tenant:
        what = "FOLIOT_API_ANONYMOUS_TENANT lets callers in without a key"
        remedy = "Unset it, or bind to 127.0.0.1."
        raise OpenDoor(what, where=f"FOLIOT_API_HOST={settings.api_host}", remedy=remedy)
    with Doors(settings, NoWake()) as doors:
        if not doors.has_keys():
            remedy = "Make a key first: foliot keys create; or bind to 127.0.0.1."
            raise OpenDoor("there is no API key", where=f"FOLIOT_API_HOST={settings.api_host}", remedy=remedy)


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
