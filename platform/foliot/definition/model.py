"""The normalized tree of a machine: what is left of a definition when all its sugar is gone.

Everything downstream (engine, registry, diagrams) works on these models and never on the text. They are frozen; the
JSON objects inside them (schemas, initial context, data) are shared and must not be changed either. Where a line
stands in the text is not part of the tree: see `Places` in `foliot.definition.loading`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Final, Literal, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictFloat, StrictInt

JsonObject: TypeAlias = dict[str, JsonValue]
JsonSchema: TypeAlias = JsonObject | StrictBool
StateKind: TypeAlias = Literal["atomic", "compound", "parallel", "final", "history"]
ERROR: Final = "error"
"""What the types of all errors begin with: the descriptor of `on_error`."""


class Node(BaseModel):
    """What all models of the tree share: no field but the named ones, no change after construction."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cel(Node):
    """An expression in CEL, as source text that has been checked."""

    kind: Literal["cel"] = "cel"
    source: str


class Constant(Node):
    """A JSON scalar that stands where an expression may stand. A constant text is a `Cel` (`'text'`)."""

    kind: Literal["constant"] = "constant"
    value: StrictBool | StrictInt | StrictFloat | None


Expression: TypeAlias = Annotated[Cel | Constant, Field(discriminator="kind")]


class Assign(Node):
    """Set top-level names of the context. All expressions see the context from before this action."""

    kind: Literal["assign"] = "assign"
    values: dict[str, Expression]


class Raise(Node):
    """Put an event on the internal queue of this macrostep."""

    kind: Literal["raise"] = "raise"
    event: str
    data: dict[str, Expression]


class Send(Node):
    """Send an event: to a Kafka topic (`topic`), or else to the instance itself through the inbox.

    `delay_ms` is None if and only if there is a topic; an event to itself without a delay has 0. `id` names the timer
    for `Cancel`; None means that nothing can cancel it.
    """

    kind: Literal["send"] = "send"
    event: str
    data: dict[str, Expression]
    delay_ms: int | None
    id: str | None
    topic: str | None


class Cancel(Node):
    """Disarm the timer that a `Send` with this id armed."""

    kind: Literal["cancel"] = "cancel"
    id: str


class Log(Node):
    """Write the value to the log."""

    kind: Literal["log"] = "log"
    expression: Expression


class Branch(Node):
    """One way of an `If`; without a guard it is the last one, taken where no other is."""

    guard: str | None
    actions: tuple[Action, ...]


class If(Node):
    """Run the actions of the first branch whose guard holds. A guard that has no value counts as false."""

    kind: Literal["if"] = "if"
    branches: tuple[Branch, ...]


class ForEach(Node):
    """Run actions for each item of a list as it is now; `item` and `index` (from 0) are names of the context."""

    kind: Literal["foreach"] = "foreach"
    array: Expression
    item: str
    index: str | None
    actions: tuple[Action, ...]


class Block(Node):
    """Actions of which an error ends the rest, and nothing beside them."""

    kind: Literal["block"] = "block"
    actions: tuple[Action, ...]


class Payload(Node):
    """Data of an event that is put together when it is made: named values, or one value for all of it.

    What a value of `values` fails to give is left out; what one of `required` fails to give spoils the whole.
    """

    values: dict[str, Expression] = Field(default_factory=dict)
    required: dict[str, Expression] = Field(default_factory=dict)
    content: Expression | None = None


class Dispatch(Node):
    """Send an event to a session, all of it told by expressions (SCXML's `send`).

    No target: the session itself, through its external queue. `id` can be cancelled; `id_location` is the name of the
    context that is given a new id.
    """

    kind: Literal["dispatch"] = "dispatch"
    event: Expression
    target: Expression | None = None
    processor: Expression | None = None
    delay: Expression | None = None
    id: str | None = None
    id_location: str | None = None
    payload: Payload = Payload()


class Withdraw(Node):
    """Cancel a delayed send whose id an expression tells."""

    kind: Literal["withdraw"] = "withdraw"
    id: Expression


Action: TypeAlias = Annotated[
    Assign | Raise | Send | Cancel | Log | If | ForEach | Block | Dispatch | Withdraw, Field(discriminator="kind")
]


class Transition(Node):
    """One edge. No targets: the actions run and no state is left.

    `index` counts all transitions of the machine from 0: states in document order and, within a state, `always`,
    `after`, `on_done`, those of its invocations, `on_error`, `on`. Timeouts, completion and errors come before `on`, so
    that a `*` of the same state does not swallow them, and an invocation's own error before errors of every kind; where
    several transitions of a state fit an event, the lowest index with a true guard is taken.
    `event` is the descriptor as written (`a.b`, `a.*`, `*`), None for `always`. For `after`, `on_done` and those of
    invocations it is the exact type of one event, which is matched whole: as a prefix `after.5000.a` would also fit
    `after.5000.a.b`.
    """

    index: int
    event: str | None
    targets: tuple[str, ...]
    guard: str | None
    actions: tuple[Action, ...]
    reenter: bool
    description: str = ""


class Retry(Node):
    """How often a service is tried, and how long is waited in between.

    `attempts` are all of them. After the first that fails `delay_ms` pass, and after each other one `factor` times as
    many as before it, but never more than `delay_max_ms`.
    """

    attempts: int
    delay_ms: int
    factor: StrictInt | StrictFloat
    delay_max_ms: int


class Invocation(Node):
    """A service that runs as long as its state is active.

    `id`, or a new one that is written to the name `id_location` of the context. `forwards` says that it gets every
    event from outside that the session gets; `finalize` runs when an event of it arrives, before transitions are
    chosen. `type` and `source` say what runs, or `content` is what runs; `payload` is what it is given. Whoever
    performs it holds to `retry` and to `timeout_ms`, which counts from the beginning over all attempts. `on_done` and
    `on_error` are the transitions for its two ends; see `done_invocation` and `failed_invocation`.
    """

    id: str | None = None
    id_location: str | None = None
    type: Expression | None = None
    source: Expression | None = None
    content: Expression | None = None
    payload: Payload = Payload()
    forwards: bool = False
    finalize: tuple[Action, ...] = ()
    retry: Retry | None = None
    timeout_ms: int | None = None
    on_done: tuple[Transition, ...] = ()
    on_error: tuple[Transition, ...] = ()


class After(Node):
    """A timeout of a state. `id` is the timer's id and its event's type; see `after_id`."""

    delay_ms: int
    id: str
    transitions: tuple[Transition, ...]


class StateNode(Node):
    """A state. `id` is its dotted path below the root; the root's is the empty string.

    `initial` (full id of a child) is there for compound states alone, `history` for history states alone.
    `default_targets` are what a history state enters that has nothing to remember, without any what its parent enters
    by default; in a compound state they stand in the place of `initial` where its beginning is no single child.
    `default_actions` run on the way to either. `output` is what a final state gives as the data of the event that says
    that its parent is done. `on_error` are transitions for errors of every kind; `rollback` says that an action that
    fails here or below undoes all of its macrostep. `defer` are descriptors of events that are kept while it is active,
    unless a transition of it, or of a state below, takes them. All tuples are in document order.
    """

    id: str
    name: str
    kind: StateKind
    description: str = ""
    initial: str | None = None
    children: tuple[StateNode, ...] = ()
    transitions: tuple[Transition, ...] = ()
    always: tuple[Transition, ...] = ()
    after: tuple[After, ...] = ()
    on_done: tuple[Transition, ...] = ()
    on_error: tuple[Transition, ...] = ()
    rollback: bool = False
    entry: tuple[Action, ...] = ()
    exit: tuple[Action, ...] = ()
    history: Literal["shallow", "deep"] | None = None
    default_targets: tuple[str, ...] = ()
    default_actions: tuple[Action, ...] = ()
    output: Payload | None = None
    invocations: tuple[Invocation, ...] = ()
    defer: tuple[str, ...] = ()

    def walk(self) -> Iterator[StateNode]:
        """Yield this state and all below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def can_be_done(self) -> bool:
        """Say whether final states below it may bring the event that it is done."""
        if self.kind == "compound":
            return any(child.kind == "final" for child in self.children)
        regions = [child for child in self.children if child.kind != "history"]
        return self.kind == "parallel" and all(region.can_be_done or region.kind == "final" for region in regions)

    def groups(self) -> Iterator[tuple[Transition, ...]]:
        """Yield the transitions of this state by rising index, in the groups that they stand in."""
        yield self.always
        for timeout in self.after:
            yield timeout.transitions
        yield self.on_done
        for invocation in self.invocations:
            yield invocation.on_done
            yield invocation.on_error
        yield self.on_error
        yield self.transitions

    def outgoing(self) -> Iterator[Transition]:
        """Yield the transitions of this state by rising index."""
        for group in self.groups():
            yield from group

    def regrouped(self, regroup: Callable[[tuple[Transition, ...]], Iterable[Transition]]) -> StateNode:
        """Give the state with each group of its own transitions anew; a timeout stays, be it without any."""

        def listed(group: tuple[Transition, ...]) -> tuple[Transition, ...]:
            return tuple(regroup(group))

        groups = {name: listed(getattr(self, name)) for name in ("always", "on_done", "on_error", "transitions")}
        after = tuple(each.model_copy(update={"transitions": listed(each.transitions)}) for each in self.after)
        services = tuple(
            each.model_copy(update={"on_done": listed(each.on_done), "on_error": listed(each.on_error)})
            for each in self.invocations
        )
        return self.model_copy(update={**groups, "after": after, "invocations": services})


class ContextSpec(Node):
    """What the context must look like (JSON Schema 2020-12; None: anything) and what it is at birth."""

    json_schema: JsonSchema | None = None
    initial: JsonObject = Field(default_factory=dict)


class EventSpec(Node):
    """What the data of an event must look like (JSON Schema 2020-12; None: anything)."""

    json_schema: JsonSchema | None = None


class Definition(Node):
    """A whole machine. `system`: its expressions see SCXML's system variables."""

    foliot: Literal[1] = 1
    id: str
    description: str = ""
    create: Literal["on_event", "explicit"] = "on_event"
    poison: Literal["park", "skip"] = "park"
    context: ContextSpec
    events: dict[str, EventSpec] = Field(default_factory=dict)
    system: bool = False
    root: StateNode

    def canonical(self) -> bytes:
        """JSON with sorted keys: equal bytes if and only if the machines are equal."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def actions(self) -> Iterator[Action]:
        """Yield every action wherever it stands, those inside of others too."""
        for state in self.root.walk():
            for block in (
                *(state.entry, state.exit, state.default_actions),
                *(transition.actions for transition in state.outgoing()),
                *(invocation.finalize for invocation in state.invocations),
            ):
                yield from _with_nested(block)

    @property
    def topics(self) -> frozenset[str]:
        """Name the Kafka topics that the machine sends to."""
        return frozenset(
            action.topic for action in self.actions() if isinstance(action, Send) and action.topic is not None
        )

    @classmethod
    def from_canonical(cls, canonical: bytes) -> Definition:
        """Read back what `canonical` wrote. The bytes are trusted: they were checked when they were text."""
        return cls.model_validate(orjson.loads(canonical))

    @property
    def hash(self) -> str:
        """BLAKE2b (32 bytes) of the canonical form, in lower-case hex."""
        return hashlib.blake2b(self.canonical(), digest_size=32).hexdigest()


def _with_nested(actions: Iterable[Action]) -> Iterator[Action]:
    for action in actions:
        yield action
        match action:
            case If():
                for branch in action.branches:
                    yield from _with_nested(branch.actions)
            case ForEach() | Block():
                yield from _with_nested(action.actions)
            case _:
                pass


def after_id(delay_ms: int, state_id: str) -> str:
    """Name the timer of an `after`; its event has the same type."""
    return f"after.{delay_ms}.{state_id}"


def done_event(state_id: str) -> str:
    """Name the event that says that a compound or parallel state is done."""
    return f"done.state.{state_id}"


def done_invocation(invoke_id: str) -> str:
    """Name the event that says that a service has ended well; its data is the answer."""
    return f"done.invoke.{invoke_id}"


def failed_invocation(invoke_id: str) -> str:
    """Name the event that says that a service was not reached, has failed, or took too long.

    It fits the descriptor `error.communication` of SCXML. Its data has `attempts`, `reason` and `message`.
    """
    return f"error.communication.invoke.{invoke_id}"
