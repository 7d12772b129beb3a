"""How Kafka's brokers are spoken to: in plain text or by TLS, with or without a name and a password."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, get_args

from foliot.errors import FoliotError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
_TLS: Final = frozenset({"SSL", "SASL_SSL"})
_SASL: Final = frozenset({"SASL_PLAINTEXT", "SASL_SSL"})


class _Closing(ssl.SSLSocket):
    """Closes itself when nobody holds it any more: kafka-python drops one whose handshake fails without closing it."""

    def __del__(self) -> None:
        self.close()


class BadSecurity(FoliotError):
    """What is said of TLS, or of a name and a password, does not fit together, or names a file of no use."""

    code: ClassVar[str] = "bad_kafka_security"
    remedy: ClassVar[str] = "Say all that the protocol wants, and nothing that it has no use for."


@dataclass(frozen=True, slots=True)
class Security:
    """How to speak to brokers.

    ```python
    Producer("kafka-1:9093", security=Security("SASL_SSL", sasl_username="shop", sasl_password=secret))
    ```

    Args:
        security_protocol: `PLAINTEXT`, `SSL` (TLS 1.2 or newer), `SASL_PLAINTEXT` or `SASL_SSL`.
        sasl_mechanism: `SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`.
        sasl_username: who this is.
        sasl_password: what proves it.
        ssl_cafile: certificates (PEM) that the brokers' are to be signed by; empty: those that the system trusts. A
            broker's certificate must have the name that it is reached by.
        ssl_certfile: this client's certificate and those that it is signed by (PEM), where the brokers ask for one.
        ssl_keyfile: its private key (PEM); empty: it is in `ssl_certfile` too.
        ssl_password: what the private key is encrypted with.

    Raises:
        BadSecurity: the parts do not fit together, or a file is missing or holds something else.
    """

    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    ssl_password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        protocol = self.security_protocol
        _one_of(get_args(SecurityProtocol), protocol, "security_protocol")
        _one_of(get_args(SaslMechanism), self.sasl_mechanism, "sasl_mechanism")
        for name in ("sasl_username", "sasl_password"):
            if protocol in _SASL and not getattr(self, name):
                raise BadSecurity(f"{protocol} wants it", where=name)
        for name in ("sasl_username", "sasl_password", "ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password"):
            if getattr(self, name) and protocol not in (_SASL if name.startswith("sasl") else _TLS):
                raise BadSecurity(f"{protocol} has no use for it", where=name)
        if self.ssl_keyfile and not self.ssl_certfile:
            raise BadSecurity("a private key is of use only with its certificate", where="ssl_certfile")
        self.context()

    @property
    def summary(self) -> str:
        """Say it without secrets."""
        if self.security_protocol not in _SASL:
            return self.security_protocol
        return f"{self.security_protocol}, {self.sasl_mechanism}, user {self.sasl_username!r}"

    def context(self) -> ssl.SSLContext | None:
        """Read the files for TLS, which may have been renewed; None where it is not spoken.

        Raises:
            BadSecurity: one of them is missing or holds something else.
        """
        if self.security_protocol not in _TLS:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Closing
        with self._file("ssl_cafile", "Name a file of certificates (PEM)."):
            if self.ssl_cafile:
                context.load_verify_locations(self.ssl_cafile)
            else:
                context.load_default_certs()
        if self.ssl_keyfile:
            # Of two files, OpenSSL does not say which one it could not open.
            with self._file("ssl_keyfile", "Name a file that has the private key (PEM)."):
                Path(self.ssl_keyfile).open("rb").close()
        with self._file("ssl_certfile", "Name the certificate (PEM), its private key and that key's password."):
            if self.ssl_certfile:
                # Without a password OpenSSL would ask for one at the terminal.
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile or None, password=lambda: self.ssl_password)
        return context

    @contextmanager
    def _file(self, name: str, remedy: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise BadSecurity(f"{getattr(self, name)}: {error}", where=name, remedy=remedy) from error

    def config(self) -> dict[str, Any]:
        """Say it in the words of kafka-python.

        Raises:
            BadSecurity: a file can no longer be read.
        """
        said: dict[str, Any] = {"security_protocol": self.security_protocol, "ssl_context": self.context()}
        if self.security_protocol in _SASL:
            said["sasl_mechanism"] = self.sasl_mechanism
            said["sasl_plain_username"] = self.sasl_username
            said["sasl_plain_password"] = self.sasl_password
        return said


def _one_of(known: tuple[str, ...], value: str, where: str) -> None:
    if value not in known:
        raise BadSecurity(f"{value!r} is not known here", where=where, remedy=f"Take one of: {', '.join(known)}.")
