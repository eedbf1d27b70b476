"""A broker that also listens with TLS and asks for a user and a password."""

from pathlib import Path

from tests.services.kafka.broker import Kafka
from tests.services.kafka.jars import Jars
from tests.services.process import LOOPBACK, free_port
from tests.services.tls import Certificates

USER = "moderator"


class SecuredKafka(Kafka):
    """Kafka with a SASL_SSL listener at ``secure``; what tests administer stays in plain text."""

    def __init__(
        self, jars: Jars, directory: Path, certificates: Certificates, secret: str
    ) -> None:
        self.secure = f"{LOOPBACK}:{free_port()}"
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        super().__init__(
            jars,
            directory,
            settings={
                "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
                "listener.name.secure.plain.sasl.jaas.config": f'{plain} user_{USER}="{secret}";',
                "listener.name.secure.scram-sha-256.sasl.jaas.config": scram,
                "listener.name.secure.scram-sha-512.sasl.jaas.config": scram,
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(certificates.server),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(certificates.ca),
                "ssl.client.auth": "required",
            },
            formatting=tuple(
                word
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for word in ("--add-scram", f"{mechanism}=[name={USER},password={secret}]")
            ),
        )

    def _properties(self) -> dict[str, str]:
        given = super()._properties()
        return {
            **given,
            "listeners": f"{given['listeners']},SECURE://{self.secure}",
            "advertised.listeners": f"{given['advertised.listeners']},SECURE://{self.secure}",
            "listener.security.protocol.map": (
                f"{given['listener.security.protocol.map']},SECURE:SASL_SSL"
            ),
        }
