"""The command line: one envelope, fixed exit codes, no tracebacks, and nothing imported before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from foliot.cli import BUILTINS, GROUP, Answer, Table, Unavailable, run
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
        case "red":
            return Answer({"name": name}, ("seen",), Refusal("red", "it is red", "there", "Look."))
        case _:
            table = Table(("word", "name"), (("hello", name), ("x", "y")))
            return Answer({"name": name}, (f"hello {name}", table))


@dataclass(frozen=True)
class FakeEntryPoint:
    name: str
    module: str
    load: Callable[[], Callable[[typer.Typer], None]]


def _register_greet(app: typer.Typer) -> None:
    app.command("greet")(greet)


def _register_late(app: typer.Typer) -> None:
    late = typer.Typer()
    late.command("greet")(greet)
    late.command("again")(greet)
    app.add_typer(late, name="late")


def _load_without_a_package() -> Callable[[typer.Typer], None]:
    raise ModuleNotFoundError(name="missing_driver")


@pytest.fixture(autouse=True)
def commands_of_other_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = f"greetings_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text('"""Greet somebody.\n\nMore."""\nraise SystemExit\n')
    monkeypatch.syspath_prepend(tmp_path)
    found = [
        FakeEntryPoint("absent", "no_such_package.commands", _load_without_a_package),
        FakeEntryPoint("greet", module, lambda: _register_greet),
        FakeEntryPoint("late", module, lambda: _register_late),
        FakeEntryPoint("lonely", module, _load_without_a_package),
    ]
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
    assert all(word in out for word in ("publish", "Publish machines.", "greet", "Greet somebody."))
    assert "absent" not in out


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom foliot.cli import run\nrun(['--help'])\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"


def test_every_command_has_help_that_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    codes = {late.name: run([*late.name.split(), "--help"]) for late in BUILTINS}

    assert set(codes.values()) == {0}, codes
    assert capsys.readouterr().out.count("Answer with one JSON object.") == len(BUILTINS)


def test_docs_name_every_command() -> None:
    docs = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()

    missing = [late.name for late in BUILTINS if f"`foliot {late.name}" not in docs]

    assert missing == []
