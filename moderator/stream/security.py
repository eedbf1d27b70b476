"""How Kafka's clients prove who they are and whom they talk to."""

import ssl
from typing import Any

from aiokafka.helpers import create_ssl_context

from moderator.errors import SettingsError
from moderator.settings import Settings


def kafka_security(settings: Settings) -> dict[str, Any]:
    """The options every Kafka client of ours is made with.

    Raises SettingsError for certificates that cannot be read; it never quotes a secret.
    """
    options: dict[str, Any] = {"security_protocol": settings.kafka_security}
    if settings.kafka_security.startswith("SASL_"):
        assert settings.kafka_password is not None  # the settings have seen to it
        options |= {
            "sasl_mechanism": settings.kafka_sasl,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    if settings.kafka_security.endswith("SSL"):
        options["ssl_context"] = _context(settings)
    return options


def _context(settings: Settings) -> ssl.SSLContext:
    password = settings.kafka_key_password
    try:
        made: ssl.SSLContext = create_ssl_context(
            cafile=settings.kafka_ca_file,
            certfile=settings.kafka_cert_file,
            keyfile=settings.kafka_key_file,
            # A function: without a password OpenSSL would ask for one on the terminal.
            password=lambda: password.get_secret_value() if password else "",
        )
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"Kafka's certificates cannot be used ({error.strerror or error}); look at "
            "MODERATOR_KAFKA_CA_FILE, _CERT_FILE, _KEY_FILE and _KEY_PASSWORD"
        ) from None
    return made
