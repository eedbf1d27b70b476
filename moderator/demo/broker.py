"""The demo's broker: librdkafka's mock cluster, which speaks Kafka's protocol on loopback.

Limits: everything is in memory, about 5 MB are kept per partition, clients cannot create topics,
and the sync of a late group member is often refused. Nothing here is durable.

``python -m moderator.demo.broker --topic posts:4`` prints its address and serves until its
standard input ends, so it cannot outlive the process at the other end of that pipe.
"""

import argparse
import ctypes
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Self

from moderator.demo import librdkafka
from moderator.demo.child import child_process
from moderator.errors import StartupError

_PRODUCER = 0  # rd_kafka_type_t: the cluster hangs on a client handle, of either type
_BROKER = 1  # mock brokers are numbered from 1
_REASON_BYTES = 512
_STOP_SECONDS = 5


class EmbeddedBroker:
    """One mock broker in this process, with ``topics`` (name to number of partitions).

    Entering it starts the broker; leaving it forgets everything. ``fail_requests``, ``set_down``,
    ``set_up`` and ``set_latency`` stage the faults that clients have to survive.
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self._topics = topics
        self.bootstrap = ""

    def __enter__(self) -> Self:
        self._library = librdkafka.load()
        self._client = self._new_client()
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        # By default the first member of a group waits 3 s for others.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        try:
            for name, partitions in self._topics.items():
                self.create_topic(name, partitions)
        except StartupError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

    def create_topic(self, name: str, partitions: int) -> None:
        """Create an empty topic; StartupError says why not."""
        if partitions < 1:  # the mock cluster would make a topic that no client can use
            raise StartupError(f"topic {name} needs at least 1 partition, not {partitions}")
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code != 0:
            reason = self._library.rd_kafka_err2str(code).decode()
            raise StartupError(f"topic {name} cannot be made in the embedded broker: {reason}")

    def fail_requests(self, api_key: int, *codes: int) -> None:
        """Answer the next requests of one kind (0: produce, 1: fetch) with these Kafka errors."""
        array = (ctypes.c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, api_key, len(codes), array
        )

    def set_down(self) -> None:
        """Close every connection and refuse new ones."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, _BROKER)

    def set_up(self) -> None:
        """Accept connections again; what was stored is still there."""
        self._library.rd_kafka_mock_broker_set_up(self._cluster, _BROKER)

    def set_latency(self, milliseconds: int) -> None:
        """Delay every answer from now on."""
        self._library.rd_kafka_mock_broker_set_rtt(self._cluster, _BROKER, milliseconds)

    def _new_client(self) -> int:
        reason = ctypes.create_string_buffer(_REASON_BYTES)
        settings = self._library.rd_kafka_conf_new()
        # Errors only: it would warn that its client, which only carries the cluster, has no broker.
        self._library.rd_kafka_conf_set(settings, b"log_level", b"3", reason, _REASON_BYTES)
        client: int | None = self._library.rd_kafka_new(_PRODUCER, settings, reason, _REASON_BYTES)
        if client is None:
            raise StartupError(f"librdkafka refuses to start: {reason.value.decode()}")
        return client


@contextmanager
def embedded_broker(topics: Mapping[str, int], *, timeout_seconds: float = 20) -> Iterator[str]:
    """Run the broker as a child process and yield its bootstrap address."""
    arguments = ["-m", "moderator.demo.broker"]
    for name, partitions in topics.items():
        arguments += ["--topic", f"{name}:{partitions}"]
    with (
        tempfile.TemporaryFile() as errors,
        child_process(
            arguments, stdout=subprocess.PIPE, stderr=errors, stop_seconds=_STOP_SECONDS
        ) as child,
    ):
        yield _address(child, errors, timeout_seconds)


def _address(child: subprocess.Popen[bytes], errors: IO[bytes], timeout_seconds: float) -> str:
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        line = child.stdout.readline() if selector.select(timeout_seconds) else b""
    if line:
        return line.decode().strip()
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip()
    reason = said or f"no address within {timeout_seconds:g} s"
    raise StartupError(f"the embedded broker did not start: {reason}")


def _topic(text: str) -> tuple[str, int]:
    name, _, partitions = text.rpartition(":")
    if not name or not partitions.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:PARTITIONS")
    return name, int(partitions)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input ends, SIGTERM or SIGINT; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m moderator.demo.broker")
    parser.add_argument(
        "--topic", action="append", type=_topic, default=[], metavar="NAME:PARTITIONS"
    )
    topics = dict(parser.parse_args(arguments).topic)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with EmbeddedBroker(topics) as broker:
            sys.stdout.write(f"{broker.bootstrap}\n")
            sys.stdout.flush()
            while sys.stdin.buffer.read(1):
                pass
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
