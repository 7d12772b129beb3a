"""The HTTP API from Python: `Client` for programs that wait, `AsyncClient` for asyncio.

Needs the extra `client` and no server; docs/client.md shows what can be done with it.
"""

from foliot.client.answers import (
    Accepted,
    Channel,
    DeadLetter,
    DeadLetterWhole,
    Fault,
    Instance,
    InstanceSummary,
    Machine,
    MachineVersions,
    Problem,
    Published,
    Step,
    Version,
    Watched,
)
from foliot.client.asynchronous import AsyncClient
from foliot.client.blocking import Client
from foliot.client.connecting import BadAddress
from foliot.client.refusals import (
    AnotherWasFirst,
    AnswerUnreadable,
    ApiError,
    KeyNotAccepted,
    MovedMeanwhile,
    NoAnswer,
    NotAllowed,
    NotThere,
    PlaceGone,
    RequestRefused,
    TooBusy,
)
from foliot.client.trying import Patience
from foliot.cloudevents import Event, EventRefused

__all__ = [
    "Accepted",
    "AnotherWasFirst",
    "AnswerUnreadable",
    "ApiError",
    "AsyncClient",
    "BadAddress",
    "Channel",
    "Client",
    "DeadLetter",
    "DeadLetterWhole",
    "Event",
    "EventRefused",
    "Fault",
    "Instance",
    "InstanceSummary",
    "KeyNotAccepted",
    "Machine",
    "MachineVersions",
    "MovedMeanwhile",
    "NoAnswer",
    "NotAllowed",
    "NotThere",
    "Patience",
    "PlaceGone",
    "Problem",
    "Published",
    "RequestRefused",
    "Step",
    "TooBusy",
    "Version",
    "Watched",
]
