"""The HTTP front door: events in, instances and machines out, as OpenAPI 3.1 describes it."""

from foliot.api.application import make_api
from foliot.api.doors import Doors
from foliot.api.problems import PROBLEMS, Problem

__all__ = ["PROBLEMS", "Doors", "Problem", "make_api"]
