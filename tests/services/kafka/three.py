"""Three nodes: what a leader that moves needs."""

import logging
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from tests.services.kafka.broker import Kafka
from tests.services.kafka.jars import Jars
from tests.services.process import LOOPBACK, ServiceError, free_port

_LOG = logging.getLogger(__name__)
_LOG.setLevel(logging.CRITICAL)
_START_SECONDS = 60
_COPIES = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
}


class Node(Kafka):
    """One of several; each is broker and controller."""

    def __init__(
        self, jars: Jars, directory: Path, number: int, controllers: Mapping[int, int]
    ) -> None:
        self._number = number
        self._controllers = controllers
        super().__init__(jars, directory, settings=_COPIES)
        self._controller_port = controllers[number]

    def _properties(self) -> dict[str, str]:
        voters = (f"{n}@{LOOPBACK}:{port}" for n, port in self._controllers.items())
        return {
            **super()._properties(),
            "node.id": str(self._number),
            "controller.quorum.voters": ",".join(voters),
        }

    def _answers(self) -> bool:
        return True  # alone it cannot be ready; the cluster is asked


class ThreeNodes:
    """A KRaft cluster of three; topics have three copies, of which two must be in step."""

    real = True

    def __init__(self, jars: Jars, directory: Path) -> None:
        controllers = {number: free_port() for number in (1, 2, 3)}
        self.nodes = {}
        for number in controllers:
            folder = directory / f"node-{number}"
            folder.mkdir()
            self.nodes[number] = Node(jars, folder, number, controllers)

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes.values())

    def create_topic(
        self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> None:
        topic = NewTopic(name, partitions, replication_factor=3, config=dict(config or {}))
        self._client.create_topics([topic])[name].result(60)

    def leader(self, topic: str, partition: int = 0) -> int:
        """The number of the node that leads a partition."""
        found = self._client.list_topics(topic, timeout=10).topics[topic]
        return int(found.partitions[partition].leader)

    def await_other_leader(self, topic: str, leader: int, partition: int = 0) -> None:
        """Return once another node than `leader` leads the partition."""
        while self.leader(topic, partition) in (leader, -1):
            time.sleep(0.2)

    def _nodes_known(self) -> Collection[int]:
        try:
            return self._client.list_topics(timeout=2).brokers
        except KafkaException:
            return ()

    @cached_property
    def _client(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap}, logger=_LOG)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes.values():
                node.start()
                stack.callback(node.kill)
            deadline = time.monotonic() + _START_SECONDS
            while len(self._nodes_known()) < len(self.nodes):
                if time.monotonic() > deadline:
                    raise ServiceError("the three nodes did not find each other")
                time.sleep(0.2)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
