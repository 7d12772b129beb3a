"""Machines that Hypothesis draws: sound ones, and heaps of the language's words."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "d-1", "E_2"])
WORDS = st.sampled_from(
    """
    foliot id initial states on entry exit always after type history target guard actions reenter onDone description
    context schema events create poison assign raise send cancel log event data delay to topic invoke properties $ref
    pattern a b a.b .a #b * a.* 1s 5m compound parallel final atomic deep shallow context.x event.data.y
    """.split()  # noqa: SIM905 - one word a line would be forty lines
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(WORDS, values, max_size=6),
    max_leaves=40,
)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a sound machine: names, nesting, transitions, timeouts and actions."""
    ids: list[str] = []

    def state(path: str, depth: int) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if depth and draw(st.booleans()):
            names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
            parallel = draw(st.booleans())
            body |= {"type": "parallel"} if parallel else {"initial": names[-1]}
            body["states"] = {name: state(f"{path}.{name}" if path else name, depth - 1) for name in names}
        if path:
            ids.append(path)
        return body

    document = {"foliot": 1, "id": "m", **state("", 3)}
    for path in ids:
        body = document
        for name in path.split("."):
            body = body["states"][name]
        targets = draw(st.lists(st.sampled_from(ids), max_size=3))
        body["on"] = {f"e{n}": draw(edges(target)) for n, target in enumerate(targets)}
        body["after"] = {f"{n}s": draw(edges(target)) for n, target in enumerate(targets)}
        body["entry"] = draw(st.lists(actions(), max_size=2))
    return document


@st.composite
def edges(draw: st.DrawFn, target: str) -> Any:
    """Draw a transition to `target`, in one of its ways of writing."""
    full = {"target": f"#{target}", "actions": draw(st.lists(actions(), max_size=2)), "reenter": draw(st.booleans())}
    return draw(st.sampled_from([f"#{target}", full, [{"guard": "context.x > 1", **full}, full]]))


def actions() -> st.SearchStrategy[dict[str, Any]]:
    """Draw an action."""
    expressions = st.sampled_from(["context.x", "1 + 2", "'text'"]) | st.integers(-9, 9) | st.booleans() | st.none()
    values = expressions | st.floats(allow_nan=False, allow_infinity=False)
    data = st.dictionaries(NAMES, values, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"assign": st.dictionaries(NAMES, values, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"raise": st.fixed_dictionaries({"event": st.just("r")}, optional={"data": data})}),
        st.fixed_dictionaries({"send": st.fixed_dictionaries({"event": st.just("s")}, optional={"data": data})}),
        st.fixed_dictionaries({"log": expressions}),
    )
