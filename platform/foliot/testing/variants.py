"""Expressions with one small change each: what somebody who errs would have written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from foliot.cel import CelError, Source, Token, UInt, literal, tokenize
from foliot.definition import compile_guard, compile_value

_OPERATORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "<": ("<=", ">="),
        "<=": ("<", ">"),
        ">": (">=", "<="),
        ">=": (">", "<"),
        "==": ("!=",),
        "!=": ("==",),
        "&&": ("||",),
        "||": ("&&",),
        "+": ("-",),
        "-": ("+",),
        "*": ("/",),
        "/": ("*",),
        "!": ("",),
    }
)


def guard_variants(source: str) -> Iterator[str]:
    """Yield the guard negated, always true, never true, and with each operator and constant changed."""
    yield from (f"!({source})", "true", "false")
    for variant in _changed(source):
        if variant not in {"true", "false"} and _compiles(variant, guard=True):
            yield variant


def value_variants(source: str) -> Iterator[str]:
    """Yield an expression of a value with each operator and constant changed."""
    for variant in _changed(source):
        if _compiles(variant, guard=False):
            yield variant


def _changed(source: str) -> Iterator[str]:
    try:
        tokens = tokenize(Source(source))
    except CelError:
        return
    for token in tokens:
        for instead in _instead(token):
            variant = f"{source[: token.offset]}{instead}{source[token.offset + len(token.text) :]}"
            if variant != source:
                yield variant


def _instead(token: Token) -> tuple[str, ...]:  # noqa: PLR0911 - one for each kind
    if token.kind == "name":
        return {"true": ("false",), "false": ("true",)}.get(token.text, ())
    if token.kind != "literal":
        return _OPERATORS.get(token.kind, ())
    match token.value:
        case UInt():
            return (f"{int(token.value) + 1}u",)
        case int() if abs(token.value) < 2**62:
            return (str(token.value + 1), str(token.value - 1) if token.value else "-1")
        case float():
            return (literal(token.value + 1.0),)
        case str():
            return (literal(f"{token.value}_"),)
        case _:
            return ()


def _compiles(source: str, *, guard: bool) -> bool:
    try:
        compile_guard(source) if guard else compile_value(source)
    except CelError:
        return False
    return True
