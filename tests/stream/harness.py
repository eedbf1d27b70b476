"""A stream of a test's own: its topics, workers to start and kill, posts in, answers out."""

import asyncio
import itertools
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from moderator.verdicts import Verdict, decode_verdict
from tests.services.kafka.cluster import Cluster
from tests.services.process import ServerProcess, free_port

POLICY = """
policy: colours
version: 1
rules:
  - id: danger
    title: Danger
    severity: high
    action: block
    threshold: 0.7
    review_at: 0.5
    violates: [red red danger]
    allows: [green meadow]
"""
SECONDS = 60.0
_FAKE_WORKER = Path(__file__).with_name("fake_worker.py")


@dataclass
class Answers:
    """Everything on the verdict and the dead-letter topic."""

    verdicts: list[tuple[bytes, Verdict]] = field(default_factory=list)
    dead_letters: list[Any] = field(default_factory=list)  # ConsumerRecord

    @property
    def keys(self) -> set[bytes]:
        return {key for key, _ in self.verdicts} | {record.key for record in self.dead_letters}

    @property
    def duplicates(self) -> int:
        counts = Counter(key for key, _ in self.verdicts)
        return sum(count - 1 for count in counts.values())

    def codes(self) -> Counter[str]:
        return Counter(header(record, "code") for record in self.dead_letters)


def header(record: Any, name: str) -> str:
    value: bytes = dict(record.headers)["moderator-" + name]
    return value.decode()


class Stream:
    """Topics `posts`, `verdicts` and `dead-letters` of one test on a broker."""

    def __init__(self, cluster: Cluster, name: str, folder: Path, *, partitions: int = 4) -> None:
        self.cluster = cluster
        parts = ("posts", "verdicts", "dead-letters", "retries")
        self.topics = {part: f"{name}-{part}" for part in parts}
        self.group = name
        self.folder = folder
        self._numbers = itertools.count(1)
        self._partitions = partitions
        (folder / "policy.yaml").write_text(POLICY)

    def create_topics(self, config: Mapping[str, str] | None = None) -> None:
        for topic in self.topics.values():
            self.cluster.create_topic(topic, self._partitions, config)

    def worker(self, **settings: object) -> "Worker":
        """A worker that is not started yet; settings as in `Settings`."""
        wanted = {
            "kafka": self.cluster.bootstrap,
            "posts_topic": self.topics["posts"],
            "verdicts_topic": self.topics["verdicts"],
            "dead_letters_topic": self.topics["dead-letters"],
            "retries_topic": self.topics["retries"],
            "group": self.group,
            "policies": self.folder / "policy.yaml",
            "web_port": free_port(),
            "session_timeout_seconds": 6,
            "partitions": self._partitions,
            **settings,
        }
        return Worker(self.folder / f"worker-{next(self._numbers)}.log", wanted)

    async def send(
        self, posts: Iterable[tuple[str, bytes]], *, compression: str | None = None
    ) -> None:
        """Send keyed values; returns when all are acknowledged."""
        client = AIOKafkaProducer(
            bootstrap_servers=self.cluster.bootstrap,
            max_request_size=2**25,
            compression_type=compression,
        )
        async with self._started(client) as producer:
            acks = [
                await producer.send(self.topics["posts"], value, key=key.encode())
                for key, value in posts
            ]
            await asyncio.gather(*acks)

    async def publish(self, topic: str, value: bytes | None) -> None:
        """Send one message to any topic; None is a tombstone."""
        producer = AIOKafkaProducer(bootstrap_servers=self.cluster.bootstrap)
        async with self._started(producer) as started:
            await started.send_and_wait(topic, value, key=b"any")

    async def answers(self, expected: int, *, seconds: float = SECONDS) -> Answers:
        """Read both topics from the start until `expected` different posts are answered.

        Then a moment longer, for duplicates and for dead letters beside verdicts.
        """
        return await self.until(lambda found: len(found.keys) >= expected, seconds=seconds)

    async def until(
        self, enough: Callable[[Answers], bool], *, seconds: float = SECONDS
    ) -> Answers:
        """The same for any condition."""
        found, deadline = Answers(), time.monotonic() + seconds
        topics = (self.topics["verdicts"], self.topics["dead-letters"])
        consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=self.cluster.bootstrap,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=2**25,
        )
        async with self._started(consumer) as reader:
            while True:
                complete = enough(found)
                fetched = await reader.getmany(timeout_ms=700 if complete else 200)
                for record in itertools.chain.from_iterable(fetched.values()):
                    if record.topic == topics[0]:
                        found.verdicts.append((record.key, decode_verdict(record.value)))
                    else:
                        found.dead_letters.append(record)
                if complete and not fetched:
                    return found
                assert time.monotonic() < deadline, (
                    f"only {len(found.keys)} posts answered in {seconds} s"
                )

    async def committed(self) -> int:
        """The sum of the group's committed offsets."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.cluster.bootstrap, group_id=self.group, enable_auto_commit=False
        )
        async with self._started(consumer) as reader:
            partitions = [TopicPartition(self.topics["posts"], n) for n in range(self._partitions)]
            return sum([await reader.committed(partition) or 0 for partition in partitions])

    @asynccontextmanager
    async def _started(self, client: Any) -> AsyncIterator[Any]:
        await client.start()
        try:
            yield client
        finally:
            await client.stop()


class Worker:
    """One worker process."""

    def __init__(
        self, log: Path, settings: dict[str, object], command: Sequence[str] = (str(_FAKE_WORKER),)
    ) -> None:
        self.log = log
        self.url = f"http://127.0.0.1:{settings['web_port']}"
        self.command = [
            "/usr/bin/env",
            *(f"MODERATOR_{name.upper()}={value}" for name, value in settings.items()),
            sys.executable,
            *command,
        ]
        self._process = ServerProcess("worker", log, self._is_up)
        self._wanted_page = "ready"

    def start(self, *, until: str = "ready") -> "Worker":
        """Start it and return when the page `until` answers 200."""
        self._wanted_page = until
        self._process.start(self.command, deadline_seconds=SECONDS)
        return self

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None, "it is not running"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.pid is not None and not self._process.ended

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.ended

    def page(self, name: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.url}/{name}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = self.page(f"metrics?name[]={name}")[1].splitlines()
        values = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return sum(float(value) for key, value in values if key.partition("{")[0] == name)

    def _is_up(self) -> bool:
        try:
            return self.page(self._wanted_page)[0] == 200
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def posts(count: int, start: int = 0) -> list[tuple[str, bytes]]:
    """Different posts, one in ten of them a violation."""
    return [
        (
            f"post-{number}",
            msgspec.json.encode(
                {
                    "id": f"post-{number}",
                    "text": "red red danger" if number % 10 == 0 else f"green meadow {number}",
                }
            ),
        )
        for number in range(start, start + count)
    ]


async def eventually(condition: Any, *, seconds: float = SECONDS) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.05)
