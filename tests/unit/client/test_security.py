"""What may be said of how Kafka is spoken to, and what is refused before anything is sent."""

from __future__ import annotations

import gc
import socket
import warnings
from dataclasses import fields
from pathlib import Path

import pytest
import trustme

from foliot.producer import BadSecurity, Security
from foliot.settings import Settings
from foliot_ingest.kafka_clients import security

USER = {"sasl_username": "shop", "sasl_password": "it-is-a-secret"}


@pytest.mark.parametrize(
    ("said", "where", "what"),
    [
        ({"security_protocol": "TLS"}, "security_protocol", "'TLS' is not known here"),
        ({"sasl_mechanism": "GSSAPI"}, "sasl_mechanism", "'GSSAPI' is not known here"),
        ({"security_protocol": "SASL_SSL"}, "sasl_username", "SASL_SSL wants it"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_username": "shop"}, "sasl_password", "SASL_PLAINTEXT wants it"),
        (USER, "sasl_username", "PLAINTEXT has no use for it"),
        ({"security_protocol": "SSL", **USER}, "sasl_username", "SSL has no use for it"),
        ({"ssl_cafile": "ca.pem"}, "ssl_cafile", "PLAINTEXT has no use for it"),
        ({"security_protocol": "SASL_PLAINTEXT", **USER, "ssl_certfile": "a"}, "ssl_certfile", "has no use for it"),
        ({"security_protocol": "SSL", "ssl_keyfile": "key.pem"}, "ssl_certfile", "only with its certificate"),
        ({"security_protocol": "SSL", "ssl_cafile": "nowhere.pem"}, "ssl_cafile", "nowhere.pem: .*No such file"),
        ({"security_protocol": "SSL", "ssl_certfile": "nowhere.pem"}, "ssl_certfile", "nowhere.pem: .*No such file"),
    ],
)
def test_what_does_not_fit_together_is_refused(said: dict[str, str], where: str, what: str):
    with pytest.raises(BadSecurity, match=what) as refused:
        Security(**said)  # type: ignore[arg-type]  # what a user may write

    assert refused.value.refusal.where == where
    assert refused.value.refusal.remedy
    assert "it-is-a-secret" not in str(refused.value)


def test_a_file_without_certificates_is_refused(tmp_path: Path):
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")

    with pytest.raises(BadSecurity, match=r"ca\.pem"):
        Security("SSL", ssl_cafile=str(wrong))


def test_of_two_files_the_missing_one_is_named(tmp_path: Path):
    certificate = tmp_path / "client.pem"
    trustme.CA().issue_cert("client@foliot.example").private_key_and_cert_chain_pem.write_to_path(certificate)

    with pytest.raises(BadSecurity, match=r"nowhere\.key: .*No such file") as refused:
        Security("SSL", ssl_certfile=str(certificate), ssl_keyfile="nowhere.key")

    assert refused.value.refusal.where == "ssl_keyfile"


def test_secrets_are_not_shown():
    said = Security("SASL_PLAINTEXT", **USER)  # type: ignore[arg-type]  # mypy does not know which of the names

    assert "it-is-a-secret" not in repr(said)
    assert said.summary == "SASL_PLAINTEXT, SCRAM-SHA-512, user 'shop'"


def test_every_part_has_its_setting():
    said = {f"kafka_{part.name}": part.default for part in fields(Security)}

    of_settings = {f"kafka_{name}": value for name, value in USER.items()}

    assert {name: getattr(Settings.model_construct(), name) for name in said} == said
    assert security(Settings(kafka_security_protocol="SASL_PLAINTEXT", **of_settings)) == Security(
        "SASL_PLAINTEXT",
        **USER,  # type: ignore[arg-type]  # mypy does not know which of the names
    )


def test_a_link_that_the_client_drops_in_its_handshake_is_closed() -> None:
    context = Security("SSL").context()
    assert context is not None
    ours, theirs = socket.socketpair()
    with theirs, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")

        link = context.wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False)
        del link
        gc.collect()

        theirs.settimeout(30)
        assert theirs.recv(1) == b""
    assert not told
