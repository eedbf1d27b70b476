import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, NotEnoughReplicasError

from moderator.demo import librdkafka
from moderator.demo.broker import EmbeddedBroker, embedded_broker
from moderator.errors import StartupError

COMMAND = [sys.executable, "-m", "moderator.demo.broker"]


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with embedded_broker({"posts": 4, "verdicts": 2}) as address:
        yield address


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [*COMMAND, "--topic", "posts:1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b"127.0.0.1:")
        yield child
        child.kill()


async def test_posts_are_produced_consumed_by_a_group_and_committed(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for number in range(8):
            await producer.send_and_wait("posts", b"%d" % number, partition=number % 4)

    async with _group_member(bootstrap, "posts") as consumer:
        async with asyncio.timeout(10):
            values = [(await consumer.getone()).value for _ in range(8)]
        await consumer.commit()

        assert sorted(values) == [b"%d" % number for number in range(8)]
        partitions = [TopicPartition("posts", number) for number in range(4)]
        assert [await consumer.committed(each) for each in partitions] == [2, 2, 2, 2]


async def test_the_topics_have_the_partitions_they_were_declared_with(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        assert len(await producer.partitions_for("posts")) == 4
        assert len(await producer.partitions_for("verdicts")) == 2


async def test_a_staged_error_reaches_the_producer_and_the_next_try_passes() -> None:
    with EmbeddedBroker({"posts": 1}) as broker:
        async with AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap, acks="all", retry_backoff_ms=10
        ) as producer:
            broker.fail_requests(0, NotEnoughReplicasError.errno)
            sent = await producer.send_and_wait("posts", b"once", partition=0)

            assert sent.offset == 0


async def test_a_broker_that_is_down_comes_back_with_its_data() -> None:
    with EmbeddedBroker({"posts": 1}) as broker:
        producer = AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap, request_timeout_ms=500, retry_backoff_ms=20
        )
        async with producer:
            await producer.send_and_wait("posts", b"before", partition=0)
            broker.set_down()
            with pytest.raises(KafkaError):
                await producer.send_and_wait("posts", b"lost", partition=0)
            broker.set_up()
            assert (await producer.send_and_wait("posts", b"after", partition=0)).offset == 1


def test_the_child_ends_when_its_parent_closes_the_pipe(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.close()

    assert child.wait(timeout=5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_in_order_on_a_signal(
    child: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    os.kill(child.pid, number)

    assert child.wait(timeout=5) == 0


def test_a_topic_that_cannot_be_is_a_startup_error_with_what_the_child_said() -> None:
    broker = embedded_broker({"posts": 0})

    with pytest.raises(StartupError, match="did not start: topic posts needs at least 1"), broker:
        pass


def test_a_child_that_says_nothing_in_time_is_given_up() -> None:
    broker = embedded_broker({"posts": 1}, timeout_seconds=0)

    with pytest.raises(StartupError, match="no address within 0 s"), broker:
        pass


def test_a_topic_is_made_once() -> None:
    with (
        EmbeddedBroker({"posts": 1}) as broker,
        pytest.raises(StartupError, match=r"posts cannot be made .*already exists"),
    ):
        broker.create_topic("posts", 1)


def test_without_confluent_kafka_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(StartupError, match=r"pip install '\.\[demo\]'"):
        librdkafka.load()


def _group_member(bootstrap: str, topic: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id="moderators",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
