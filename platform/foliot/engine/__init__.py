"""Steps of a machine as pure functions: a state and an event go in, the next state and the effects come out."""

from foliot.engine.adoption import adopt
from foliot.engine.compiled import Compiled, compile  # noqa: A004 - the contract's word for it
from foliot.engine.encoding import decode, encode
from foliot.engine.errors import (
    ContextTooLarge,
    DataTooDeep,
    DataTooLarge,
    DefinitionNotCompilable,
    EngineError,
    IllegalTarget,
    InternalQueueFull,
    MicrostepLimitReached,
    StateNotEncodable,
    StateUnreadable,
    TooManyEffects,
    TooManyTimers,
    UnknownConfiguration,
)
from foliot.engine.semantics import SEMANTICS
from foliot.engine.stepping import start, step
from foliot.engine.values import ArmTimer, CancelTimer, Effect, Event, Limits, Log, Outcome, Send, State, Step, Timer

__all__ = [
    "SEMANTICS",
    "ArmTimer",
    "CancelTimer",
    "Compiled",
    "ContextTooLarge",
    "DataTooDeep",
    "DataTooLarge",
    "DefinitionNotCompilable",
    "Effect",
    "EngineError",
    "Event",
    "IllegalTarget",
    "InternalQueueFull",
    "Limits",
    "Log",
    "MicrostepLimitReached",
    "Outcome",
    "Send",
    "State",
    "StateNotEncodable",
    "StateUnreadable",
    "Step",
    "Timer",
    "TooManyEffects",
    "TooManyTimers",
    "UnknownConfiguration",
    "adopt",
    "compile",
    "decode",
    "encode",
    "start",
    "step",
]
