"""What an engine refuses. All are deterministic: the same state and event fail again, so nobody should retry."""

from __future__ import annotations

from foliot.errors import FoliotError


class EngineError(FoliotError):
    """A step cannot be taken; the shell parks the instance or skips the event, as the definition says."""

    code = "engine_error"


class UnknownConfiguration(EngineError):
    """Another version of the machine wrote this state: its active states are no legal configuration of this one."""

    code = "unknown_configuration"


class IllegalTarget(EngineError):
    """The targets of a transition, taken together, do not lead into a legal configuration."""

    code = "illegal_target"


class MicrostepLimitReached(EngineError):
    """More than `Limits.microsteps_max` microsteps in one macrostep; the machine loops."""

    code = "microstep_limit"


class InternalQueueFull(EngineError):
    """More than `Limits.internal_queue_max` raised events wait in one macrostep."""

    code = "internal_queue_full"


class TooManyEffects(EngineError):
    """One macrostep sends and logs more than `Limits.effects_max` times."""

    code = "too_many_effects"


class TooManyTimers(EngineError):
    """More than `Limits.timers_max` timers are armed."""

    code = "too_many_timers"


class ContextTooLarge(EngineError):
    """The context is larger than `Limits.context_bytes_max` after the step."""

    code = "context_too_large"


class DataTooLarge(EngineError):
    """The data of one raised or sent event, or one log line, is larger than `Limits.data_bytes_max`."""

    code = "data_too_large"


class DataTooDeep(EngineError):
    """A value is nested deeper than `Limits.depth_max`."""

    code = "data_too_deep"


class StateNotEncodable(EngineError):
    """The state holds something that JSON cannot carry, such as an integer of more than 64 bits."""

    code = "state_not_encodable"


class StateUnreadable(EngineError):
    """The bytes are no encoded state."""

    code = "state_unreadable"


class DefinitionNotCompilable(EngineError):
    """The definition was never checked: an expression, a schema or a target in it is wrong."""

    code = "definition_not_compilable"
