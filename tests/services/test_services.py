import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import KafkaException

from tests.services.kafka.broker import Kafka
from tests.services.kafka.cluster import Cluster, NewTopic
from tests.services.process import ServerProcess, ServiceError
from tests.services.redis import Redis

LARGE_BYTES = 8 * 2**20


async def test_acknowledged_records_survive_a_kill_and_a_restart(kafka_server: Kafka) -> None:
    kafka_server.create_topic("posts", 2)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_server.bootstrap,
        acks="all",
        enable_idempotence=True,
        max_request_size=LARGE_BYTES + 1024,
    )
    async with producer:
        await producer.send_and_wait("posts", b"small", partition=0)
        await producer.send_and_wait("posts", bytes(LARGE_BYTES), partition=1)
        kafka_server.kill()
        kafka_server.start()
        # The same producer finds the broker where it was.
        await producer.send_and_wait("posts", b"later", partition=0)

    values = await _read(kafka_server.bootstrap, "posts", 3)
    assert sorted(values) == sorted([b"small", b"later", bytes(LARGE_BYTES)])


async def test_the_shared_broker_serves_a_topic_of_the_tests_own(
    kafka: Cluster, topic: NewTopic
) -> None:
    name = topic("posts", 3)

    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        assert len(await producer.partitions_for(name)) == 3
        await producer.send_and_wait(name, b"one")
    assert await _read(kafka.bootstrap, name, 1) == [b"one"]


def test_a_topic_has_the_settings_it_was_created_with(real_kafka: Cluster, topic: NewTopic) -> None:
    with pytest.raises(KafkaException, match="cleanup"):
        topic("posts", 1, {"cleanup.policy": "nonsense"})


def test_redis_comes_back_empty_at_the_same_address(redis_server: Redis) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("space:prompt", b"vector")
        redis_server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()

        redis_server.start()
        assert client.get("space:prompt") is None


def test_redis_can_ask_for_a_password(redis_executable: str, tmp_path: Path) -> None:
    with Redis(redis_executable, tmp_path, password="secret") as server:
        # By URL: clients made from arguments retry a refusal for seconds.
        stranger = redis.Redis.from_url(f"redis://127.0.0.1:{server.port}")
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()


def test_the_shared_redis_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()


def test_a_server_dies_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    starter_code = (
        "import sys, time; from pathlib import Path\n"
        "from tests.services.process import ServerProcess\n"
        "server = ServerProcess('sleep', Path(sys.argv[1]), lambda: True)\n"
        "server.start(['sleep', '600']); print(server.pid, flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", starter_code, str(tmp_path / "log")]
    repository = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=repository) as starter:
        assert starter.stdout is not None
        server = psutil.Process(int(starter.stdout.readline()))
        os.kill(starter.pid, signal.SIGKILL)

    server.wait(timeout=5)  # gone, or NoSuchProcess, or TimeoutExpired


def test_a_server_that_ends_while_starting_is_reported_with_its_log(tmp_path: Path) -> None:
    server = ServerProcess("broken", tmp_path / "log", lambda: False)

    with pytest.raises(ServiceError, match=r"ended with status 3 .*\n.*no such luck"):
        server.start(["sh", "-c", "echo no such luck; exit 3"])


def test_a_server_that_never_answers_is_ended_at_the_deadline(tmp_path: Path) -> None:
    server = ServerProcess("mute", tmp_path / "log", lambda: False)

    with pytest.raises(ServiceError, match="does not answer"):
        server.start(["sleep", "600"], deadline_seconds=0.2)
    assert server.pid is None


async def _read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"{topic}-readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=LARGE_BYTES + 1024,
    )
    async with consumer, asyncio.timeout(20):
        values = [(await consumer.getone()).value for _ in range(count)]
        await consumer.commit()
    return values
