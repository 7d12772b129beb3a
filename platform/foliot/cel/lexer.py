"""Text to tokens.

Source: CEL language definition, "Syntax" and "String and Bytes Values".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from foliot.cel.failures import CelSyntaxError
from foliot.cel.kinds import UInt
from foliot.cel.tree import Scalar

SOURCE_BYTES_MAX: Final = 64 * 1024
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1

# The one number that is an int only behind a minus sign.
INT_MIN_MAGNITUDE: Final = 2**63

_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\n\r\f]+|//[^\n]*)
  | (?P<string>[bB]?[rR]?(?:\"{3}|'{3}|"|'))
  | (?P<double>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
  | (?P<int>0x[0-9a-fA-F]+[uU]?|[0-9]+[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<mark>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(
    r"""\\(?:(?P<plain>[abfnrtv"'`\\?])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"""
    r"""|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"""
)
_PLAIN_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the source. `kind` is `name`, `literal` or `end`, or the mark itself (`+`, `&&` …)."""

    kind: str
    text: str
    offset: int
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class Source:
    """The text of an expression, which knows how to name a place in itself."""

    text: str

    def place(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column (in code points) of an offset."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return self.text.count("\n", 0, offset) + 1, offset - line_start + 1

    def refuse(self, offset: int, what: str, remedy: str = "") -> CelSyntaxError:
        """Make the error that says what is wrong at an offset."""
        line, column = self.place(offset)
        return CelSyntaxError(what, line=line, column=column, remedy=remedy)


def tokenize(source: Source) -> list[Token]:
    """Split the source into tokens, the last of which has the kind `end`.

    Raises:
        CelSyntaxError: the source is too long, or has a character or a literal that CEL does not know.
    """
    _check_size(source)
    text = source.text
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            remedy = "Compare with ==; an expression assigns nothing." if text[offset] == "=" else ""
            raise source.refuse(offset, f"The character {text[offset]!r} has no meaning here.", remedy)
        end = match.end()
        match match.lastgroup:
            case "name":
                tokens.append(Token("name", match.group(), offset))
            case "mark":
                tokens.append(Token(match.group(), match.group(), offset))
            case "int":
                tokens.append(Token("literal", match.group(), offset, _integer(source, offset, match.group())))
            case "double":
                tokens.append(Token("literal", match.group(), offset, float(match.group())))
            case "string":
                value, end = _quoted(source, offset, match.group())
                tokens.append(Token("literal", text[offset:end], offset, value))
            case _:
                pass
        offset = end
    tokens.append(Token("end", "", len(text)))
    return tokens


def _check_size(source: Source) -> None:
    try:
        source_bytes = len(source.text.encode())
    except UnicodeEncodeError as fault:
        raise source.refuse(fault.start, "The source has a lone surrogate, which is no character.") from None
    if source_bytes > SOURCE_BYTES_MAX:
        raise source.refuse(
            0,
            f"The expression has {source_bytes} bytes; at most {SOURCE_BYTES_MAX} are allowed.",
            "Split it into smaller expressions.",
        )


def _integer(source: Source, offset: int, text: str) -> int | UInt:
    is_unsigned = text[-1] in "uU"
    digits = text.rstrip("uU")
    is_hex = digits.startswith("0x")
    significant = (digits[2:] if is_hex else digits).lstrip("0") or "0"
    # Python refuses to read very long numbers, so their length is judged first.
    value = int(significant, 16 if is_hex else 10) if len(significant) <= 20 else UINT_MAX + 1
    if is_unsigned:
        if value > UINT_MAX:
            raise source.refuse(offset, f"{text[:40]} is no uint: it is beyond 64 bits.")
        return UInt(value)
    if value > INT_MIN_MAGNITUDE:
        raise source.refuse(offset, f"{text[:40]} is no int: it is beyond 64 bits.")
    return value


def _quoted(source: Source, offset: int, opening: str) -> tuple[str | bytes, int]:
    """Return the value of the string or bytes literal that starts at `offset`, and the offset behind it."""
    quote = opening.lstrip("bBrR")
    is_bytes = opening[0] in "bB"
    is_raw = "r" in opening.lower()
    start = offset + len(opening)
    end = _closing(source, offset, start, quote, is_raw=is_raw)
    content = source.text[start:end]
    if is_raw:
        return (content.encode() if is_bytes else content), end + len(quote)
    parts: list[bytes] = []
    position = 0
    while (escape_at := content.find("\\", position)) >= 0:
        parts.append(content[position:escape_at].encode())
        escape = _ESCAPE.match(content, escape_at)
        if escape is None:
            raise source.refuse(start + escape_at, f"{content[escape_at : escape_at + 2]!r} is no escape sequence.")
        parts.append(_unescaped(source, start + escape_at, escape, is_bytes=is_bytes))
        position = escape.end()
    parts.append(content[position:].encode())
    value = b"".join(parts)
    return (value if is_bytes else value.decode()), end + len(quote)


def _closing(source: Source, offset: int, start: int, quote: str, *, is_raw: bool) -> int:
    """Return the offset of the quote that closes the literal."""
    text = source.text
    position = start
    while position < len(text):
        if text.startswith(quote, position):
            return position
        if len(quote) == 1 and text[position] in "\r\n":
            break
        position += 2 if text[position] == "\\" and not is_raw else 1
    raise source.refuse(offset, "The string is not closed.", f"End it with {quote}.")


def _unescaped(source: Source, offset: int, escape: re.Match[str], *, is_bytes: bool) -> bytes:
    """Return what an escape sequence stands for: in bytes a byte, in a string the UTF-8 of a code point."""
    groups = escape.groupdict()
    if plain := groups["plain"]:
        return _PLAIN_ESCAPES.get(plain, plain).encode()
    if groups["hex"] or groups["octal"]:
        number = int(groups["hex"], 16) if groups["hex"] else int(groups["octal"], 8)
        return bytes([number]) if is_bytes else chr(number).encode()
    if is_bytes:
        raise source.refuse(offset, f"{escape.group()} is a character; bytes have none.", "Write \\x and two digits.")
    number = int(groups["short"] or groups["long"], 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise source.refuse(offset, f"{escape.group()} is no Unicode character.")
    return chr(number).encode()
