"""What the tests ask of any broker through a real client: is it ready, and make a topic.

confluent-kafka rather than aiokafka: its admin client is synchronous, so fixtures and tests with
or without an event loop can call it.
"""

import logging
import time
from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public, not declared so
    AdminClient,
    ClusterMetadata,
    NewTopic,
)

_LOG = logging.getLogger(__name__)
_LOG.setLevel(logging.CRITICAL)  # a refused connection is what waiting for a broker looks like


class Admin:
    """An admin client kept for the life of one broker address."""

    def __init__(self, bootstrap: str) -> None:
        settings: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.max.ms": 100,
        }
        self._client = AdminClient(settings, logger=_LOG)

    def ready(self) -> bool:
        """Tell whether a broker answers and leads every partition it knows of."""
        try:
            metadata = self._client.list_topics(timeout=1)
        except KafkaException:
            return False
        return bool(metadata.brokers) and all(_led(metadata, name) for name in metadata.topics)

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        *,
        deadline_seconds: float = 30,
    ) -> None:
        """Create ``name`` and return once each of its partitions has a leader."""
        topic = NewTopic(name, partitions, replication_factor=1, config=dict(config or {}))
        deadline = time.monotonic() + deadline_seconds
        self._client.create_topics([topic])[name].result(deadline_seconds)
        while not _led(self._client.list_topics(timeout=5), name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"topic {name} has no leader after {deadline_seconds:g} s")
            time.sleep(0.02)


def _led(metadata: ClusterMetadata, topic: str) -> bool:
    found = metadata.topics.get(topic)
    if found is None or found.error is not None:
        return False
    return all(partition.leader in metadata.brokers for partition in found.partitions.values())
