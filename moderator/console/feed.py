"""From the topics of posts and verdicts into the console's state, at least once."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from moderator.console.records import KeptPost, by_key, entry, keep, post_key, post_of
from moderator.console.state import State
from moderator.errors import ModeratorError, PostError, TransientError
from moderator.posts import decode_post
from moderator.settings import Settings
from moderator.stream.clients import committed, ensure_topics, make_consumer, started
from moderator.verdicts import Verdict, decode_verdict

log = logging.getLogger(__name__)

_MOST_RECORDS: Final = 2_000
_LAG_SECONDS: Final = 5.0
_MOST_WAIT_SECONDS: Final = 5.0

Watcher = Callable[[Sequence[tuple[Verdict, int]], Sequence[KeptPost]], Awaitable[None]]


class Feed:
    """One member of the console's group: reads, writes to Redis, then commits."""

    def __init__(self, settings: Settings, state: State, *watchers: Watcher) -> None:
        """`watchers` are told of each batch before it is committed."""
        self._settings = settings
        self._state = state
        self._watchers = watchers
        self.trouble: str | None = "connecting to Kafka"  # what keeps it from reading
        self.lag_posts: int | None = None  # of the workers' group; None where it is not known
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have `run` return soon: cancelled while they connect, Kafka's clients leak."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`; whatever goes away is waited for."""
        wait = 0.5
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._read()
            except (ModeratorError, KafkaError, OSError) as error:
                self.trouble = (
                    str(error)
                    if isinstance(error, ModeratorError)
                    else (f"Kafka is away ({type(error).__name__}); trying again")
                )
                log.warning("the console's feed stands: %s", self.trouble)
            wait = 0.5 if time.monotonic() - began > _MOST_WAIT_SECONDS else wait
            await _pause(self._stopping, wait)
            wait = min(2 * wait, _MOST_WAIT_SECONDS)

    async def _read(self) -> None:
        settings = self._settings
        topics = settings.posts_topic, settings.verdicts_topic
        await ensure_topics(settings, topics)
        consumer = make_consumer(settings, *topics, group=settings.console_group)
        async with started(consumer):
            over = asyncio.Event()
            measuring = asyncio.create_task(self._measure(consumer, over))
            try:
                while not self._stopping.is_set():
                    await self._batch(consumer)
            finally:
                over.set()
                try:
                    await asyncio.wait([measuring], timeout=_MOST_WAIT_SECONDS)
                finally:
                    measuring.cancel()

    async def _batch(self, consumer: Any) -> None:
        found = await consumer.getmany(timeout_ms=200, max_records=_MOST_RECORDS)
        self.trouble = None
        if not found:
            return
        records = [record for each in found.values() for record in each]
        posts = [post for record in records if (post := self._post(record))]
        verdicts = [pair for record in records if (pair := self._verdict(record))]
        await self._state.add_posts(posts)
        known = by_key(posts)
        missing = {post_key(verdict.post_id) for verdict, _ in verdicts} - known.keys()
        known |= by_key((await self._state.posts(sorted(missing))).values())
        for watcher in self._watchers:
            await watcher(verdicts, posts)
        await self._state.add_entries(
            [entry(verdict, at, post_of(verdict, known)) for verdict, at in verdicts]
        )
        try:
            await consumer.commit()
        except KafkaError as error:  # another console has the partitions now: it reads them again
            raise TransientError(f"Kafka took no commit ({type(error).__name__})") from error

    def _post(self, record: Any) -> KeptPost | None:
        if record.topic != self._settings.posts_topic:
            return None
        limits = self._settings
        try:
            post = decode_post(
                record.value,
                max_bytes=limits.max_post_bytes,
                max_meta_bytes=limits.max_meta_bytes,
            )
        except PostError:  # the worker has made a dead letter of it
            return None
        return keep(post, record.partition, record.offset, record.timestamp)

    def _verdict(self, record: Any) -> tuple[Verdict, int] | None:
        if record.topic != self._settings.verdicts_topic:
            return None
        try:
            return decode_verdict(record.value or b""), record.timestamp
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    async def _measure(self, consumer: Any, over: asyncio.Event) -> None:
        """How far the workers are behind, now and then."""
        while not over.is_set():
            try:
                places = [p for p in consumer.assignment() if p.topic == self._settings.posts_topic]
                ends = await consumer.end_offsets(places)
                done = await committed(self._settings, places)
                self.lag_posts = sum(
                    max(0, end - done[place][0])
                    for place, end in ends.items()
                    if place in done and done[place][0] >= 0
                )
            except (KafkaError, OSError, OffsetOutOfRangeError):
                self.lag_posts = None
            await _pause(over, _LAG_SECONDS)


async def _pause(over: asyncio.Event, seconds: float) -> None:
    """So many seconds, or until it is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()
