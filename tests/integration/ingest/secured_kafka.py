"""Apache Kafka with two more listeners: one by TLS for whoever has a certificate, one for users with a password."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from foliot.local import ApacheKafka
from foliot.local.child import Launch
from foliot.local.free_ports import free_port

USER, PASSWORD = "shop", "it-is-a-secret"
KEY_PASSWORD = "another-secret"  # noqa: S105 - of a server for tests
_LISTENERS = r"""
listeners=PLAINTEXT://127.0.0.1:{port},SSL://127.0.0.1:{tls},SASL_SSL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SSL://127.0.0.1:{tls},SASL_SSL://127.0.0.1:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={server}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


class SecuredKafka(ApacheKafka):
    """Its certificates lie beside its data: `authority`, `client` (certificate and key), `client_key` (encrypted)."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.tls, self.sasl = free_port(), free_port()
        self.authority, self.client, self.client_key = root / "ca.pem", root / "client.pem", root / "client.key"
        self._server = root / "server.pem"
        self._make_certificates()

    def launch(self) -> Launch:
        """Add the listeners to the settings; of a name that is there twice the last one counts."""
        launch = super().launch()
        with (self.folder / "server.properties").open("a") as settings:
            settings.write(
                _LISTENERS.format(
                    port=self.port,
                    tls=self.tls,
                    sasl=self.sasl,
                    controller=self._controller_port,
                    server=self._server,
                    authority=self.authority,
                    user=USER,
                    password=PASSWORD,
                )
            )
        return launch

    def add_user(self) -> None:
        """Let the user prove the password by SCRAM too."""
        user = UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, password=PASSWORD)
        with closing(KafkaAdminClient(bootstrap_servers=self.address)) as admin:
            admin.alter_user_scram_credentials([user])

    def _make_certificates(self) -> None:
        authority = trustme.CA()
        server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("client@foliot.example")
        authority.cert_pem.write_to_path(self.authority)
        # Kafka reads keys as PKCS #8 alone.
        self._server.write_bytes(_key(server) + b"".join(each.bytes() for each in server.cert_chain_pems))
        client.private_key_and_cert_chain_pem.write_to_path(self.client)
        self.client_key.write_bytes(_key(client, KEY_PASSWORD))


def _key(certificate: trustme.LeafCert, password: str = "") -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
