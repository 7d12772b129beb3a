"""The HTTP front door: events in, instances and machines out, as OpenAPI 3.1 describes it."""

from foliot.api.application import make_api
from foliot.api.connections import server_config
from foliot.api.doors import Doors
from foliot.api.server import Server

__all__ = ["Doors", "Server", "make_api", "server_config"]
