"""Addresses come from the environment, else from what runs in the working directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foliot.cli import run
from foliot.cli.addresses import BadSettings, NoAddress, address, read_settings

LOCAL = {"FOLIOT_DSN_SERVICE": "postgresql://local", "FOLIOT_KAFKA": "127.0.0.1:1"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FOLIOT_DSN_SERVICE", "FOLIOT_DSN_OWNER", "FOLIOT_KAFKA", "FOLIOT_SHARDS"):
        monkeypatch.delenv(name, raising=False)


def _write_state(phase: str) -> None:
    Path(".foliot").mkdir()
    Path(".foliot/state.json").write_text(json.dumps({"phase": phase, "environment": LOCAL}))


def test_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    _write_state("ready")
    monkeypatch.setenv("FOLIOT_KAFKA", "kafka:9092")

    settings = read_settings()

    assert (settings.kafka, settings.dsn_service) == ("kafka:9092", "postgresql://local")


def test_brokers_of_this_machine_take_plain_text_whatever_the_environment_says_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _write_state("ready")
    monkeypatch.setenv("FOLIOT_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("FOLIOT_KAFKA_SASL_USERNAME", "shop")

    local = read_settings()
    monkeypatch.setenv("FOLIOT_KAFKA", "kafka:9093")
    other = read_settings()

    assert (local.kafka_security_protocol, local.kafka_sasl_username) == ("PLAINTEXT", "")
    assert (other.kafka_security_protocol, other.kafka_sasl_username) == ("SASL_SSL", "shop")


def test_what_does_not_run_has_no_address() -> None:
    _write_state("down")

    with pytest.raises(NoAddress, match="foliot up"):
        address(read_settings(), "dsn_service")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"phase": "ready", "environment": []}'])
def test_a_broken_record_is_as_good_as_none(text: str) -> None:
    Path(".foliot").mkdir()
    Path(".foliot/state.json").write_text(text)

    assert read_settings().kafka == ""


def test_a_bad_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLIOT_SHARDS", "many")

    with pytest.raises(BadSettings, match="FOLIOT_SHARDS"):
        read_settings()


def test_a_command_without_an_address_is_unavailable(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["machines"]) == 3
    assert "no_address at FOLIOT_DSN_SERVICE" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLIOT_DSN_SERVICE", "postgresql://nobody@127.0.0.1:1/none")

    assert run(["machines", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "store_unavailable"


@pytest.mark.parametrize(
    ("dsn", "exit_code", "remedy"),
    [
        ("nonsense", 1, "Write the address as postgresql://"),
        ("postgresql://foliot_service@127.0.0.1:1/foliot", 3, "Look whether Postgres runs there"),
    ],
)
def test_an_address_that_leads_nowhere_says_what_to_do(
    dsn: str, exit_code: int, remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLIOT_DSN_SERVICE", dsn)

    code = run(["machines"])

    assert code == exit_code
    assert remedy in capsys.readouterr().err


def test_an_owners_address_that_is_none_is_refused_without_telling_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOLIOT_DSN_OWNER", "owner:secret@db/foliot")

    code = run(["db", "upgrade"])

    told = capsys.readouterr().err
    assert code == 1
    assert "store_error at dsn_owner" in told
    assert "secret" not in told
