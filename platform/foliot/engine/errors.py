"""What an engine refuses. All are deterministic: the same state and event fail again, so nobody should retry."""

from __future__ import annotations

from foliot.errors import FoliotError


class EngineError(FoliotError):
    """A step cannot be taken; the shell parks the instance or skips the event, as the definition says."""

    code = "engine_error"


class UnknownConfiguration(EngineError):
    """Another version of the machine wrote this state: its active states are no legal configuration of this one."""

    code = "unknown_configuration"
    remedy = "Move the instance to this version first: foliot channel move, mode all."


class IllegalTarget(EngineError):
    """The targets of a transition, taken together, do not lead into a legal configuration."""

    code = "illegal_target"
    remedy = "Name at most one state in each region."


class MicrostepLimitReached(EngineError):
    """More than `Limits.microsteps_max` microsteps in one macrostep; the machine loops."""

    code = "microstep_limit"
    remedy = "Guard the transitions without an event and the raised events that follow each other."


class InternalQueueFull(EngineError):
    """More than `Limits.internal_queue_max` raised events wait in one macrostep."""

    code = "internal_queue_full"
    remedy = "Raise fewer events, or send them."


class TooManyEffects(EngineError):
    """One macrostep sends and logs more than `Limits.effects_max` times."""

    code = "too_many_effects"
    remedy = "Send and log less in one step, or part the work over several."


class TooManyTimers(EngineError):
    """More than `Limits.timers_max` timers are armed."""

    code = "too_many_timers"
    remedy = "Arm fewer timers at a time, or cancel those that are no longer wanted."


class TooManyDeferred(EngineError):
    """More than `Limits.deferred_max` events wait until no active state defers them."""

    code = "too_many_deferred"
    remedy = "Defer fewer events, or leave the state that defers them sooner."


class TooManyTurns(EngineError):
    """Loops over lists take more than `Limits.turns_max` turns in one macrostep."""

    code = "too_many_turns"
    remedy = "Go through shorter lists, or do it in CEL: list.map(x, ...)."


class ContextTooLarge(EngineError):
    """The context is larger than `Limits.context_bytes_max` after the step."""

    code = "context_too_large"
    remedy = "Keep bulky data elsewhere and a reference to it in the context."


class TooMuchKept(EngineError):
    """What armed timers and deferred events hold is larger, together, than `Limits.kept_bytes_max` after the step."""

    code = "too_much_kept"
    remedy = "Keep bulky data elsewhere and a reference to it in the event, or let fewer events wait."


class DataTooLarge(EngineError):
    """The data of one raised or sent event, or one log line, is larger than `Limits.data_bytes_max`."""

    code = "data_too_large"
    remedy = "Keep bulky data elsewhere and pass a reference to it on."


class DataTooDeep(EngineError):
    """A value is nested deeper than `Limits.depth_max`."""

    code = "data_too_deep"
    remedy = "Flatten the value."


class StateNotEncodable(EngineError):
    """The state holds something that JSON cannot carry, such as an integer of more than 64 bits."""

    code = "state_not_encodable"
    remedy = "Keep to values that JSON has, and to integers of at most 64 bits."


class StateUnreadable(EngineError):
    """The bytes are no encoded state."""

    code = "state_unreadable"
    remedy = "Stop the workers and look at the row: Foliot, or this version of it, did not write it."


class EffectNotPerformable(EngineError):
    """Where the machine runs, nobody can do what it asks for: to send to another session, or to invoke a service."""

    code = "effect_not_performable"
    remedy = "Run it with foliot.testing, or send an event to a topic instead."


class DefinitionNotCompilable(EngineError):
    """The definition was never checked: an expression, a schema or a target in it is wrong."""

    code = "definition_not_compilable"
    remedy = "Check the definition first: foliot check FILE"
