"""Apache Kafka for tests: one KRaft node, broker and controller in one Java process."""

import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

from tests.services.kafka.admin import Admin
from tests.services.kafka.jars import Jars
from tests.services.process import LOOPBACK, ServerProcess, ServiceError, free_port

# Any value will do; it must be the same for all nodes of a cluster.
CLUSTER_ID = "bW9kZXJhdG9yLXRlc3RzMQ"
MAX_MESSAGE_BYTES = 16 * 2**20
# The first compiler tier and the serial collector: this Java lives for seconds on a shared machine.
_JVM = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xlog:disable")
_LOG4J = Path(__file__).with_name("log4j2.properties")


class Kafka:
    """One broker; it keeps its port and its data when it is stopped or killed and started again.

    ``settings`` override those of ``server.properties``; ``jvm`` are further options of its Java,
    ``formatting`` of the tool that formats the data folder, such as users to add.
    """

    real = True

    def __init__(
        self,
        jars: Jars,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        jvm: tuple[str, ...] = (),
        formatting: tuple[str, ...] = (),
    ) -> None:
        self._jars = jars
        self._directory = directory
        self._settings = settings or {}
        self._jvm = jvm
        self._formatting = formatting
        self.port, self._controller_port = free_port(), free_port()
        self._process = ServerProcess("Kafka", directory / "server.log", self._answers)

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.ended

    @property
    def data(self) -> Path:
        """The folder of its logs."""
        return Path(self._properties()["log.dirs"])

    def start(self) -> None:
        """Start on the data there is, formatting the data folder the first time."""
        properties = self._directory / "server.properties"
        if not properties.exists():
            properties.write_text("".join(f"{k}={v}\n" for k, v in self._properties().items()))
            self._format(properties)
        self._process.start([*self._java(*self._jvm), "kafka.Kafka", str(properties)])

    def stop(self) -> None:
        """Shut down in order (SIGTERM)."""
        self._process.stop()

    def kill(self) -> None:
        """Die at once (SIGKILL): what was not acknowledged may be lost."""
        self._process.kill()

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

    def _answers(self) -> bool:
        return self._admin.ready()

    def _java(self, *options: str) -> list[str]:
        archive = self._jars.class_archive
        shared = [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
        logging = f"-Dlog4j2.configurationFile={_LOG4J}"
        return [self._jars.java, *_JVM, *shared, *options, logging, "-cp", self._jars.classpath]

    def _format(self, properties: Path) -> None:
        command = [*self._java(), "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", CLUSTER_ID, "--config", str(properties)]
        command += self._formatting
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise ServiceError(f"Kafka's data folder cannot be formatted: {done.stderr[-3000:]}")

    def _properties(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._directory / "data"),
            **_SINGLE_NODE,
            **_QUICK,
            "auto.create.topics.enable": "false",  # a misspelt topic is an error, not a topic
            "message.max.bytes": str(MAX_MESSAGE_BYTES),
            **self._settings,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


_SINGLE_NODE = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",  # 128 MiB by default, a quarter of our heap
}
_QUICK = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",  # so that tests of lost workers need not wait 6 s
    # A killed broker may register again only after its old session has run out.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "400",
}
