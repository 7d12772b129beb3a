"""Shell completion, as each shell asks for it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from foliot.cli import Commands, run
from foliot.cli import commands as cli_commands

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Ask as a shell does with a line that the cursor ends; give the code, what was written, and the complaints."""

    def complete(shell: str, line: str) -> tuple[int, str, str]:
        monkeypatch.setenv("_FOLIOT_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        code = run([])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return complete


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_that_asks_foliot(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("_FOLIOT_COMPLETE", f"source_{shell}")

    code = run([])

    script = capsys.readouterr().out
    assert code == 0
    assert f"_FOLIOT_COMPLETE=complete_{shell}" in script
    if (program := shutil.which(shell)) is not None:
        subprocess.run([program, "-n"], input=script.encode(), check=True, timeout=30)


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_are_completed_with_those_of_other_packages(shell: str, complete: Any):
    code, out, _ = complete(shell, "foliot re")

    assert code == 0
    assert [word in out for word in ("relay", "release", "replay", "publish")] == [True, True, True, False]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("foliot channel ", ("move", "show")),
        ("foliot channel move --ex", ("--expect",)),
        ("foliot diagram --format ", ("mermaid", "dot", "svg")),
        ("foliot replay --la", ("--lane",)),
    ],
)
def test_words_of_groups_options_and_their_values_are_completed(
    shell: str, line: str, words: tuple[str, ...], complete: Any
):
    code, out, _ = complete(shell, line)

    assert code == 0
    assert all(word in out for word in words), out


@pytest.mark.parametrize("line", ["foliot --", "foliot lonely --"])
def test_a_package_that_is_missing_does_not_disturb_the_typing(
    line: str, complete: Any, monkeypatch: pytest.MonkeyPatch
):
    def register(commands: Commands) -> None:
        commands.add("lonely", "no_such_package.commands:run", "Needs a package.")

    entry = _Entry("lonely", register)
    monkeypatch.setattr(cli_commands, "entry_points", lambda group: [entry] if group == cli_commands.GROUP else [])

    code, _, complaints = complete("bash", line)

    assert (code, complaints) == (0, "")


def test_the_options_that_set_it_up_are_there(capsys: pytest.CaptureFixture[str]):
    run(["--help"])

    shown = capsys.readouterr().out
    assert "--install-completion" in shown
    assert "--show-completion" in shown


@dataclass(frozen=True)
class _Entry:
    name: str
    register: Any

    def load(self) -> Any:
        return self.register
