"""A hot path with stand-ins for the two Kafka clients, and everything between them real."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition

from moderator.embedder import Embedder
from moderator.encoders.fake import fake_space
from moderator.errors import ModeratorError
from moderator.media.fetch import Fetcher
from moderator.media.load import LoadLimits, MediaLoader
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.reading import LoadedPost
from moderator.settings import Settings, load_settings
from moderator.stream.answerer import Answerer
from moderator.stream.clients import Clients
from moderator.stream.commits import Commits
from moderator.stream.connection import Connection
from moderator.stream.hotpath import HotPath
from moderator.verdicts import Verdict, decode_verdict
from tests.builders import LIMITS, compiled, picture
from tests.stream.fakes import (
    PATIENCE,
    Record,
    RecordingConsumer,
    RecordingProducer,
    until,
)

QUICK = {"callers": 1, "batch_posts": 1, "commit_interval_seconds": 3600.0}


class HeldFetcher(Fetcher):
    """A media host that answers when it is let."""

    def __init__(self) -> None:
        self.content = picture("green")
        self.failure: ModeratorError | None = None
        self.may_answer = threading.Event()

    def fetch(self, url: str) -> bytes:
        self.may_answer.wait(PATIENCE)
        if self.failure:
            raise self.failure
        return self.content


class HeldScreener(Screener):
    """A screener that may be made to wait."""

    def __init__(self) -> None:
        space = fake_space()
        channels = dict.fromkeys(space.channels, space)
        super().__init__(compiled(space=space), Embedder(channels, LIMITS))
        self.may_screen = threading.Event()
        self.may_screen.set()
        self.batches: list[int] = []  # how many posts each had

    def screen(self, posts: Sequence[LoadedPost]) -> list[Verdict]:
        self.batches.append(len(posts))
        self.may_screen.wait(PATIENCE)
        return super().screen(posts)


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def no_topics(_: Settings) -> None:
    """There is no broker to create them."""


class Rig:
    """A hot path that runs, and everything around it that a test may want to hold."""

    def __init__(
        self,
        settings: Settings,
        loader: type[MediaLoader],
        producer: type[RecordingProducer] = RecordingProducer,
    ) -> None:
        self.consumer = RecordingConsumer(0, 1)
        self.producer = producer()
        self.screener = HeldScreener()
        self.fetcher = HeldFetcher()
        self.clock = Clock()
        self.history: dict[TopicPartition, tuple[int, str]] = {}  # what the group has committed
        self.metrics = Metrics()
        self.answerer = Answerer(settings, self.screener, self.metrics)
        limits = LoadLimits(max_media=20, max_bytes=10**6, max_seconds=60)
        self.loader = loader(self.fetcher, limits, fetchers=4)
        self.path = HotPath(
            settings,
            self.answerer,
            self.loader,
            self.metrics,
            clients=Clients(
                no_topics, lambda *_, **__: self.consumer, lambda _: self.producer, self.committed
            ),
            clock=self.clock,
        )
        self.task = asyncio.create_task(self.path.run())

    async def committed(
        self, _: Settings, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[int, str]]:
        return {place: self.history[place] for place in partitions if place in self.history}

    @property
    def connection(self) -> Connection:
        assert self.path._connection is not None
        return self.path._connection

    @property
    def commits(self) -> Commits:
        return self.connection.commits

    @property
    def in_flight(self) -> int:
        return self.path._in_flight.posts

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits to be read."""
        return not self.consumer.waiting and self.in_flight == 0

    def feed(self, *records: Record | Exception) -> None:
        self.consumer.waiting += records

    def offsets(self) -> list[int]:
        """Of the posts that have a verdict, as `posts` numbers them."""
        return [int(decode_verdict(sent.value).post_id) for sent in self.producer.sent]

    async def ended(self) -> None:
        """Returns or raises as `run` does."""
        await asyncio.wait_for(self.task, PATIENCE)

    async def stopped(self) -> None:
        self.path.stop()
        await self.ended()

    async def close(self) -> None:
        self.screener.may_screen.set()
        self.fetcher.may_answer.set()
        self.producer.release()
        self.path.stop()
        await asyncio.wait([self.task], timeout=PATIENCE)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.answerer.close()
        self.loader.close()


@asynccontextmanager
async def running(
    *,
    loader: type[MediaLoader] = MediaLoader,
    producer: type[RecordingProducer] = RecordingProducer,
    **settings: object,
) -> AsyncIterator[Rig]:
    rig = Rig(load_settings({**QUICK, **settings}), loader, producer)
    try:
        await until(lambda: rig.path.ready)
        yield rig
    finally:
        await rig.close()


def a_record(offset: int, place: int = 0, **fields: object) -> Record:
    return Record(place, offset, json.dumps({"id": str(offset), **fields}).encode())


def posts(*offsets: int, place: int = 0) -> list[Record]:
    return [a_record(offset, place, text="tomatoes") for offset in offsets]


def with_url(offset: int, place: int = 0) -> Record:
    return a_record(offset, place, media=[{"url": "http://pictures.example/1.png"}])
