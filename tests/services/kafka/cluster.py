"""What a test sees of Kafka, whichever broker is behind it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Protocol

from moderator.demo.broker import EmbeddedBroker
from tests.services.kafka.admin import Admin


class Cluster(Protocol):
    """A broker that tests share; ``real`` tells Apache Kafka from the embedded stand-in."""

    real: bool

    @property
    def bootstrap(self) -> str: ...

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> None: ...


class GivenCluster:
    """A Kafka that runs already, at the address the environment names."""

    real = True

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self._admin.create_topic(name, partitions, config)

    @cached_property
    def _admin(self) -> Admin:
        return Admin(self.bootstrap)


class EmbeddedCluster:
    """The embedded broker, for tests that only speak the protocol; topic settings do nothing."""

    real = False

    def __init__(self, broker: EmbeddedBroker) -> None:
        self.bootstrap = broker.bootstrap
        self.broker = broker

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self.broker.create_topic(name, partitions)


class NewTopic(Protocol):
    """The ``topic`` fixture: create a topic of the test's own and return its name."""

    def __call__(
        self,
        label: str = "topic",
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> str: ...


@contextmanager
def embedded_cluster() -> Iterator[EmbeddedCluster]:
    """Run the embedded broker in this process; it ends with it."""
    with EmbeddedBroker({}) as broker:
        yield EmbeddedCluster(broker)
