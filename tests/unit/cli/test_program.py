"""The command line: one envelope, fixed exit codes, no tracebacks, and nothing imported before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from foliot.cli import GROUP, Answer, Commands, Table, Unavailable, builtin, run
from foliot.errors import FoliotError, Refusal

HEAVY = ("pydantic", "sqlalchemy", "psycopg", "alembic", "foliot.store", "foliot.local")


class Broken(FoliotError):
    """What the tests' command raises."""

    code = "broken"


class Busy(FoliotError):
    """What a call that may be repeated raises."""

    code = "busy"
    retryable = True


def greet(name: str, *, fail: str = "") -> Answer:
    """Greet somebody."""
    match fail:
        case "broken":
            raise Broken("it broke", where="here", remedy="Mend it.")
        case "busy":
            raise Busy("later")
        case "missing":
            raise Unavailable("not there")
        case "ctrl-c":
            raise KeyboardInterrupt
        case "red":
            return Answer({"name": name}, ("seen",), Refusal("red", "it is red", "there", "Look."))
        case _:
            table = Table(("word", "name"), (("hello", name), ("x", "y")))
            return Answer({"name": name}, (f"hello {name}", table))


@dataclass(frozen=True)
class FakeEntryPoint:
    name: str
    load: Callable[[], Callable[[Commands], None]]


def _register(commands: Commands) -> None:
    commands.add("greet", "greetings_of_a_test:greet", "Greet somebody.")
    commands.group("late", "Late ones.")
    commands.add("late greet", "greetings_of_a_test:greet", "Greet somebody late.")
    commands.add("lonely", "no_such_package.commands:run", "Needs a package.")


def _load_what_is_not_installed() -> Callable[[Commands], None]:
    raise ModuleNotFoundError(name="absent")


@pytest.fixture(autouse=True)
def commands_of_other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("greetings_of_a_test")
    module.greet = greet
    monkeypatch.setitem(sys.modules, "greetings_of_a_test", module)
    found = [FakeEntryPoint("absent", _load_what_is_not_installed), FakeEntryPoint("present", lambda: _register)]
    monkeypatch.setattr("foliot.cli.commands.entry_points", lambda group: found if group == GROUP else [])


def test_an_answer_is_plain_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["greet", "ann"])

    assert code == 0
    assert capsys.readouterr().out == "hello ann\nword   name\nhello  ann\nx      y\n"


def test_json_gives_one_envelope(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["late", "greet", "ann", "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "data": {"name": "ann"}}


@pytest.mark.parametrize(("fail", "code"), [("broken", 1), ("red", 1), ("busy", 3), ("missing", 3)])
def test_the_exit_code_says_who_must_act(capsys: pytest.CaptureFixture[str], fail: str, code: int) -> None:
    assert run(["greet", "ann", "--fail", fail]) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("machine", "code"), [("foliot: 1\nid: m\n", 0), ("foliot: 2\nid: m\n", 1)])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_has_enough_changes_no_exit_code(
    tmp_path: Path, machine: str, code: int, options: tuple[str, ...]
) -> None:
    (tmp_path / "m.yaml").write_text(machine)
    call = (sys.executable, "-m", "foliot.cli", "check", "m.yaml", *options)
    with subprocess.Popen(call, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, complaints = process.communicate(timeout=60)

    assert process.returncode == code
    assert "Traceback" not in complaints
    assert "BrokenPipe" not in complaints


def test_ctrl_c_ends_a_call_without_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("foliot.cli.scenario_files.read_file", _interrupted)

    codes = [run(["check", "m.yaml", *options]) for options in ((), ("--json",))]

    assert (codes, capsys.readouterr()) == ([130, 130], ("", ""))


def _interrupted(_: Path) -> bytes:
    raise KeyboardInterrupt


def test_an_answer_that_cannot_be_written_is_an_error_like_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        code = run(["greet", "ann"])
        with suppress(OSError):
            full.close()

    assert code == 1
    assert "file_unwritable at standard output: No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_a_letter_gets_an_escape_of_it(encoding: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "foliot.cli", "init", str(tmp_path / "☃")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u2603/machine.yaml" in done.stdout


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["--version"])

    assert (code, capsys.readouterr().out) == (0, f"foliot {metadata.version('foliot')}\n")


def test_an_error_names_code_place_what_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    run(["greet", "ann", "--fail", "broken"])

    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "broken at here: it broke\nMend it.\n")


def test_an_error_in_an_envelope_names_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["greet", "ann", "--fail", "broken", "--json"])

    captured = capsys.readouterr()
    assert (code, captured.err) == (1, "")
    assert json.loads(captured.out) == {
        "ok": False,
        "error": {"code": "broken", "what": "it broke", "where": "here", "remedy": "Mend it."},
    }


def test_a_red_answer_carries_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["greet", "ann", "--fail", "red", "--json"])

    envelope = json.loads(capsys.readouterr().out)
    assert (code, envelope["ok"], envelope["error"]["code"], envelope["data"]) == (1, False, "red", {"name": "ann"})


@pytest.mark.parametrize("arguments", [["greet"], ["gret", "ann"], ["greet", "ann", "--no-such"], ["late", "nope"]])
def test_a_wrong_command_line_is_a_usage_error(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 2
    assert "Error" in capsys.readouterr().err

    assert run([*arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_a_mistyped_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    run(["publsh", "x.yaml"])

    assert "Did you mean 'publish'" in capsys.readouterr().err


def test_a_command_whose_package_is_missing_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["lonely"])

    assert code == 3
    assert "part_not_installed at foliot lonely" in capsys.readouterr().err


def test_help_lists_the_commands_of_all_packages(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["--help"])

    out = capsys.readouterr().out
    assert code == 0
    assert all(word in out for word in ("publish", "Publish machines.", "greet", "Greet somebody.", "Late ones."))


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom foliot.cli import run\nrun(['--help'])\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"


def test_every_command_has_help_that_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    names = builtin.register(Commands()).entries

    codes = {name: run([*name.split(), "--help"]) for name in names}

    assert set(codes.values()) == {0}, codes
    said = capsys.readouterr().out
    assert said.count("Answer with one JSON object.") + said.count("Write one JSON object a line.") == len(names)


def test_docs_name_every_command() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()

    missing = [name for name in builtin.register(Commands()).entries if f"`foliot {name}" not in docs]

    assert missing == []


def test_help_says_nothing_of_what_is_raised_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["api", "--help"]) == 0
    assert "Raises" not in capsys.readouterr().out
