"""Writes docs/diagnostics.md: what each code of a definition means, why it is refused, and how it is mended.

The pages are those that `foliot explain CODE` shows; what Foliot says of each wrong example is what it says now. Run it
from anywhere: `python docs/generate_diagnostics.py`. A test holds the page to what it would write.
"""

# ruff: noqa: INP001 - a script beside the page that it writes

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from foliot.analysis import check_example
from foliot.definition import CODES
from foliot.languages import Example, explain

PAGE: Final = Path(__file__).parent / "diagnostics.md"
GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "D0": "The machine does what is hardly meant (`foliot check --strict`)",
        "D1": "The text cannot be read",
        "D2": "The shape is not that of a machine",
        "D3": "States",
        "D4": "Transitions",
        "D5": "Actions and events",
        "D6": "Expressions",
        "D7": "Schemas",
        "D8": "SCXML and XState",
        "D9": "Arrows",
    }
)
HEAD: Final = """<!-- untested page: tests/unit/languages/test_explanations.py checks each example, wrong and right -->
# Faults of definitions

What `foliot check` and `foliot publish` can find in a definition: what it means, why it is refused or warned of, and an
example with the fault and without it. `foliot explain CODE` shows the same in the terminal; all other codes are in
[codes.md](codes.md). The first group is found by `foliot check --strict` alone.
This page is written by `docs/generate_diagnostics.py`.

Editors find much of it while you type: `foliot language schema > machine.schema.json` writes a JSON Schema of the
language, and the comment `# yaml-language-server: $schema=machine.schema.json` in the first line of a machine names it.
"""


def page() -> str:
    """Write the page."""
    lines = [HEAD]
    for group, title in GROUPS.items():
        lines += [f"## {title}", ""]
        for code in CODES:
            if code.startswith(group):
                lines += _explanation(code)
    return "\n".join(lines).rstrip("\n") + "\n"


def _explanation(code: str) -> Iterator[str]:
    explanation = explain(code)
    wrong, right = explanation.wrong, explanation.right
    yield from (f"### {code}", f"**{explanation.headline}** {explanation.meaning}", "", explanation.reason, "")
    yield from (f"Wrong{_condition(wrong)}:", *_block(wrong), "", "Foliot says:", "```text")
    yield from (str(diagnostic) for diagnostic in check_example(code, wrong))
    yield from ("```", "", "Right:", *_block(right), "")


def _condition(example: Example) -> str:
    lowered = [f"`{name}` lowered to {value}" for name, value in example.lowered.items()]
    return f" (here with {', '.join(lowered)})" if lowered else ""


def _block(example: Example) -> tuple[str, ...]:
    marked = f' hl_lines="{example.line}"' if example.line else ""
    return (f"```{example.language}{marked}", example.text.rstrip("\n"), "```")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
