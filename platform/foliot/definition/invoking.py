"""Reading `invoke`: the services that run as long as their state is active."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from foliot.definition import words
from foliot.definition.actions import ActionReader
from foliot.definition.census import Census, Sketch, within
from foliot.definition.model import Invocation, Retry, Transition, done_invocation, failed_invocation
from foliot.definition.shape import Shape
from foliot.definition.tree import Located, Mapping, Scalar, Sequence, Tree

INVOKE_KEYS: Final = (
    *("id", "idLocation", "type", "src", "content", "input", "inputOptional", "autoForward", "finalize"),
    *("onDone", "onError", "retry", "timeout"),
)
RETRY_KEYS: Final = ("attempts", "delay", "factor", "delayMax")
ATTEMPTS_MAX: Final = 100
FACTOR_MAX: Final = 100
DELAY_MS: Final = 1_000
DELAY_MAX_MS: Final = 3_600_000
FACTOR: Final = 2
_NUMBER: Final = "Write {attempts: 3, factor: 2}."

Listed: TypeAlias = Callable[[Tree | None, str | None, Sketch], tuple[Transition, ...]]
"""Reads what stands for an event: a target, a transition, or a list of these."""


class InvocationReader:
    """Turns what stands under `invoke` into models. `machine_id` is what the root's service is called."""

    def __init__(self, shape: Shape, census: Census, actions: ActionReader, machine_id: str) -> None:
        self._shape = shape
        self._faults = shape.faults
        self._census = census
        self._actions = actions
        self._machine_id = machine_id
        self._known: list[tuple[str, Sketch]] = []

    def invocations(self, tree: Tree | None, sketch: Sketch, listed: Listed) -> tuple[Invocation, ...]:
        """Read one service or a list of them."""
        if tree is None:
            return ()
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        read = [self._invocation(item, number, sketch, listed) for number, item in enumerate(items)]
        return tuple(invocation for invocation in read if invocation is not None)

    def _invocation(self, tree: Tree, number: int, sketch: Sketch, listed: Listed) -> Invocation | None:
        mapping = self._shape.mapping(tree, "an object with src, input, onDone and onError")
        if mapping is None:
            return None
        self._shape.only(mapping, INVOKE_KEYS)
        values = mapping.values
        invoke_id = self._id(mapping, number, sketch)
        if "src" not in values and "content" not in values:
            self._faults.error("D202", mapping, "The key 'src' is missing.", "Name the service: 'src: charge_card'.")
        source = self._actions.dynamic(values["src"], "the name of a service") if "src" in values else None
        kind = self._actions.dynamic(values["type"], "the type of a service") if "type" in values else None
        return Invocation(
            id=invoke_id,
            id_location=self._actions.variable(values["idLocation"]) if "idLocation" in values else None,
            type=kind,
            source=source,
            content=self._actions.expression(values["content"]) if "content" in values else None,
            payload=self._actions.strict_payload(mapping, "input"),
            forwards=self._shape.boolean(values["autoForward"]) or False if "autoForward" in values else False,
            finalize=self._actions.block(values.get("finalize")),
            retry=self._retry(values["retry"]) if "retry" in values else None,
            timeout_ms=self._actions.duration(values["timeout"]) if "timeout" in values else None,
            on_done=listed(values.get("onDone"), done_invocation(invoke_id or ""), sketch),
            on_error=listed(values.get("onError"), failed_invocation(invoke_id or ""), sketch),
        )

    def _id(self, mapping: Mapping, number: int, sketch: Sketch) -> str | None:
        """Read the id; None where the service is given a new one each time."""
        tree = mapping.values.get("id")
        is_new = "idLocation" in mapping.values if tree is None else isinstance(tree, Scalar) and tree.value is None
        if is_new:
            self._check_new(mapping)
            return None
        if tree is None:
            path = sketch.id or self._machine_id
            return self._noted(f"{path}.{number}" if number else path, mapping, sketch)
        text = self._shape.text(tree, "the id of a service")
        if text is not None and not words.INVOKE_ID.match(text):
            what = f"{self._faults.quote(text)} can't be the id of a service."
            self._faults.error("D516", tree, what, words.INVOKE_ID_FORM)
            return None
        return self._noted(text, tree, sketch) if text is not None and self._shape.short(text, tree) else None

    def _check_new(self, mapping: Mapping) -> None:
        for name in ("onDone", "onError"):
            if name in mapping.values:
                what = f"'{name}' waits for an event that has the service's id, and this one gets a new id each time."
                remedy = "Give it an 'id', or wait for done.invoke and error.communication in 'on'."
                self._faults.error("D516", mapping.keys[name], what, remedy)

    def _noted(self, invoke_id: str, where: Located, sketch: Sketch) -> str:
        for other_id, other in self._known:
            if other_id == invoke_id and self._together(sketch, other):
                what = f"Another service that may run at the same time has the id {self._faults.quote(invoke_id)}, too."
                self._faults.error("D515", where, what, "Give each an id of its own.")
                break
        self._known.append((invoke_id, sketch))
        return invoke_id

    def _together(self, one: Sketch, other: Sketch) -> bool:
        if within(one.id, other.id) or within(other.id, one.id):
            return True
        return self._census.common(one.id, other.id).kind == "parallel"

    def _retry(self, tree: Tree) -> Retry | None:
        mapping = self._shape.mapping(tree, "an object with attempts, delay, factor and delayMax")
        if mapping is None:
            return None
        self._shape.only(mapping, RETRY_KEYS)
        values = mapping.values
        told = self._shape.need(mapping, "attempts", "Say how often it is tried, all in all: 'attempts: 3'.")
        attempts = None if told is None else self._number(told, ATTEMPTS_MAX, whole=True)
        delay_ms = self._actions.duration(values["delay"]) if "delay" in values else DELAY_MS
        delay_max_ms = self._actions.duration(values["delayMax"]) if "delayMax" in values else DELAY_MAX_MS
        factor = self._number(values["factor"], FACTOR_MAX, whole=False) if "factor" in values else FACTOR
        if attempts is None or delay_ms is None or delay_max_ms is None or factor is None:
            return None
        return Retry(attempts=int(attempts), delay_ms=delay_ms, factor=factor, delay_max_ms=delay_max_ms)

    def _number(self, tree: Tree, highest: int, *, whole: bool) -> int | float | None:
        wanted = f"a {'whole ' if whole else ''}number from 1 to {highest}"
        value = tree.value if isinstance(tree, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            self._shape.wrong(tree, wanted, _NUMBER)
            return None
        if not 1 <= value <= highest:
            self._faults.error("D204", tree, f"Here {value} stands instead of {wanted}.", _NUMBER)
            return None
        return value
