"""Code blocks and commands on all pages are what they seem: they parse, compile, check, and name what there is."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest
import typer
import yaml
from pages import PAGES, ROOT, Block, Page, read_page

from foliot.cli.builtin import register
from foliot.cli.commands import Commands, find_commands, ready
from foliot.definition import check
from foliot.languages import check as check_any
from foliot.registry import Route, compile_route

COMMANDS: Final = find_commands(register(Commands()))
READ: Final = tuple(map(read_page, PAGES))
BLOCKS: Final = tuple(
    block for page in READ if not page.untested for block in page.blocks if not block.marker.startswith("untested:")
)
KNOWN: Final = frozenset(("", "bash", "console", "diff", "json", "python", "sh", "text", "xml", "yaml", "{toctree}"))
# Whichever copy of Click Typer brings along.
_COMMAND_LINE_ERROR: Final[type[Any]] = typer.BadParameter.__mro__[1]
_PLACEHOLDER_OF_A_NUMBER: Final = re.compile(r"\bID\b|\bREVISION\b|\bVERSION\b")


def of(*languages: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for block in BLOCKS if block.language in languages]


def shells() -> list[Any]:
    """Give the blocks for a shell; one without a language is such a block where a line begins with `foliot`."""
    said = [block for block in BLOCKS if block.language == "" and re.search(r"^foliot ", block.text, re.MULTILINE)]
    return [*of("bash", "console", "sh"), *(pytest.param(block, id=str(block)) for block in said)]


def test_a_block_has_a_language_that_is_tested_or_says_why_it_is_not() -> None:
    strange = [f"{block}: {block.language}" for block in BLOCKS if block.language not in KNOWN]

    assert len(BLOCKS) > 60
    assert strange == []


def test_what_is_not_tested_says_why() -> None:
    markers = [block.marker for page in READ for block in page.blocks if block.marker.startswith("untested:")]
    reasons = [page.untested for page in READ if page.untested]

    assert all(marker.removeprefix("untested:").strip() for marker in markers)
    assert len(markers) + len(reasons) < 10


def test_nobody_is_told_to_install_what_has_foliots_name_on_pypi() -> None:
    """It is another project; a path, a dot or CHECKOUT stands where a name would be taken from there."""
    code = [file for root in ("platform", "workers", "ingest") for file in (ROOT / root).rglob("*") if file.is_file()]
    texts = {file: file.read_text() for file in [*PAGES, *code] if file.suffix in {".md", ".py", ".template"}}

    named = [str(file) for file, text in texts.items() if re.search(r"""pip install [^\n]*["' ]foliot\b""", text)]

    assert len(texts) > 200
    assert named == []


@pytest.mark.parametrize("block", of("python"))
def test_python_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", [pytest.param(each, id=str(each)) for each in BLOCKS if each.marker == "runs"])
def test_python_that_is_marked_runs(block: Block) -> None:
    ran = subprocess.run([sys.executable, "-c", block.text], cwd=ROOT, capture_output=True, check=False, timeout=60)

    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("block", of("xml"))
def test_xml_is_a_right_machine(block: Block) -> None:
    assert [str(fault) for fault in check_any(block.text, filename="machine.scxml")] == []


@pytest.mark.parametrize("block", of("json"))
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_parses_and_what_is_a_machine_or_a_route_is_a_right_one(block: Block) -> None:
    document = yaml.safe_load(block.text)

    if "foliot" in document and "…" not in block.text:
        assert [str(fault) for fault in check(block.text, filename="machine.yaml")] == []
    if "match" in document:
        compile_route(Route(1, "default", document["name"], document["topic"], json.dumps(document), None))


@pytest.mark.parametrize("block", shells())
def test_a_shell_block_names_commands_and_options_that_exist(block: Block) -> None:
    for line in lines_of(block.text):
        for words in foliot_calls(line):
            parse(words)


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page)) for page in READ])
def test_a_command_in_the_text_exists_with_its_options(page: Page) -> None:
    for code in page.codes:
        if re.match(r"foliot [a-z]", code):
            name, rest = split_name(code.split()[1:])
            options = {word.partition("=")[0] for word in rest if re.match(r"--[a-z]", word)}
            known = {option for each in ready(COMMANDS.entries[name]).params for option in each.opts} if name else set()
            assert options <= known | {"--help", "--install-completion", "--show-completion"}, code


@pytest.mark.parametrize(
    "line",
    [
        "foliot shwo ticket T-1",
        "foliot dead-letters lst",
        "foliot show ticket",
        "foliot show ticket T-1 --josn",
        "foliot channel move ticket --mode some",
        "make setup && foliot up --kafka none",
    ],
)
def test_a_call_that_foliot_does_not_take_is_seen(line: str) -> None:
    [words] = foliot_calls(line)

    with pytest.raises((AssertionError, _COMMAND_LINE_ERROR)):
        parse(words)


def lines_of(text: str) -> Iterator[str]:
    """Give the commands of a shell block: after `$ ` where there is one, else every line."""
    lines = text.replace("\\\n", " ").splitlines()
    command = ""
    for line in [line[2:] for line in lines if line.startswith("$ ")] or lines:
        command += f"{line}\n"
        # A quotation may go on over lines.
        with contextlib.suppress(ValueError):
            shlex.split(command, comments=True)
            yield command.strip()
            command = ""
    assert not command, f"a quotation does not end: {command}"


def foliot_calls(line: str) -> Iterator[list[str]]:
    """Give the words after each `foliot` of a line that may have pipes, `&&` and substitutions."""
    lexer = shlex.shlex(line.replace("…", ""), posix=True, punctuation_chars="|&;()<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    call: list[str] | None = None
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;()<>"):
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "foliot":
            call = []


def split_name(words: list[str]) -> tuple[str, list[str]]:
    """Give a command's whole name and the words after it; an empty name where a group alone is named."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in COMMANDS.entries:
            return name, words[count:]
    assert words[0] in COMMANDS.groups, f"there is no command `foliot {' '.join(words)}`"
    return "", words[1:]


def parse(words: list[str]) -> None:
    if words[0].startswith("--"):
        return
    name, rest = split_name(words)
    assert name, f"`foliot {words[0]}` is no command but a group"
    # What the line leaves to the reader in capitals stands for a number where one is wanted.
    rest = [_PLACEHOLDER_OF_A_NUMBER.sub("1", word) for word in rest]
    ready(COMMANDS.entries[name]).make_context(f"foliot {name}", rest)
