"""The way of a post through Kafka: read, screen, publish, and only then commit."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from moderator.batching import Batcher
from moderator.errors import PostError
from moderator.media.load import MediaLoader, needs_fetching
from moderator.metrics import Metrics
from moderator.posts import Post, decode_post
from moderator.settings import Settings
from moderator.stream.answerer import Answerer, Job, Work
from moderator.stream.clients import KAFKA, Clients, until_it_works
from moderator.stream.connection import Connection
from moderator.stream.in_flight import InFlight
from moderator.stream.intake import Intake
from moderator.stream.overload import Overload
from moderator.stream.publisher import Message, Publisher
from moderator.stream.records import UnreadableRecord
from moderator.stream.retries import Retries
from moderator.stream.tasks import Tasks

log = logging.getLogger(__name__)


class HotPath:
    """Reads posts, has them answered, publishes the answers, and lets their offsets be committed.

    At least once: an offset is committed after the verdict or dead letter of its message, and of
    every message before it on the partition, was acknowledged by the broker. Exactly once, if the
    settings say so: they are committed together.
    """

    def __init__(
        self,
        settings: Settings,
        answerer: Answerer,
        loader: MediaLoader,
        metrics: Metrics,
        *,
        clients: Clients = KAFKA,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._answerer = answerer
        self._loader = loader
        self._clients = clients
        self._clock = clock
        self._retries = Retries(settings)
        self._overload = Overload(settings)
        self._in_flight = InFlight(settings, metrics, clock)
        self._tasks = Tasks(self.stop)
        self._intake = Intake(self._in_flight, self._overload, self._retries, self._tasks, clock)
        self._publisher = Publisher(settings, metrics, producer=clients.producer)
        self._exactly_once = settings.delivery == "exactly_once"
        self._batcher = Batcher(
            self._answer,
            callers=answerer.callers,
            max_items=settings.batch_posts,
            max_wait_seconds=settings.batch_wait_ms / 1000,
            weigh=lambda work: _share(work, settings),
            unwanted=self._left,
        )
        self._connection: Connection | None = None

    # --- How it stands, asked by the threads of the pages and of the watchdog

    @property
    def ready(self) -> bool:
        """Joined its group, partitions handed out, not rebalancing."""
        return (
            self._connection is not None
            and self._connection.commits.assigned
            and self._intake.reads
            and not self._in_flight.closed
        )

    @property
    def stalled_seconds(self) -> float:
        """See `InFlight`; 0 while it waits for Kafka at the start."""
        if self._connection is None:
            return 0.0
        return self._in_flight.stalled_seconds(self._connection.starving_seconds)

    @property
    def commit_age_seconds(self) -> float:
        """Since offsets were last committed; 0 when there is nothing to commit."""
        return self._connection.commits.age_seconds if self._connection else 0.0

    @property
    def lag_posts(self) -> Mapping[tuple[str, int], int]:
        """By topic and partition, posts that are not answered, as far as the broker has told."""
        return self._connection.lag_posts if self._connection else {}

    @property
    def in_flight_bytes(self) -> int:
        """Held in memory for posts in flight."""
        return self._in_flight.bytes

    @property
    def waiting_posts(self) -> Mapping[str, int]:
        """By what they wait for."""
        return {**self._in_flight.waiting, "batch": len(self._batcher)}

    @property
    def reads(self) -> bool:
        """False while the broker is away."""
        return self._intake.reads

    # --- From start to end

    def stop(self) -> None:
        """Have `run` read no more, answer what is in flight, commit and return."""
        self._in_flight.close()

    async def run(self) -> None:
        """Connect, however long that takes, and read until `stop`. Raises on a bug only."""
        await until_it_works("waiting for Kafka", self._connect, lambda: self._in_flight.closed)
        if self._connection is None:
            return
        self._tasks.spawn(self._batcher.run())
        self._tasks.spawn(self._commit_regularly(self._connection))
        self._tasks.spawn(self._connection.watch_ends())
        publishing = None
        if self._exactly_once:
            transactions = self._connection.transactions
            publishing = self._tasks.spawn(
                transactions.run(self._answerer.too_large, self._published)
            )
        try:
            async for job in self._intake.jobs(self._connection):
                await self._accept(job)
            if self._tasks.failure is None:
                await self._drain()
        finally:
            self._tasks.end(but=publishing)
            # Whoever ends of a bug leaves the note that tells of what was in flight.
            if self._tasks.failure is None:
                await self._connection.commits.say_goodbye()
            elif publishing is None:
                await self._connection.commits.commit()
            if publishing is not None:  # only now: cut short, a transaction may yet be committed
                publishing.cancel()
            await self._connection.close()
            self._answerer.close()
            self._loader.close()
        if self._tasks.failure:
            raise self._tasks.failure

    async def _connect(self) -> None:
        self._connection = await Connection.open(
            self._settings, self._publisher, self._clients, self._clock
        )
        self._in_flight.turn()

    async def _commit_regularly(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_seconds)
            self._in_flight.turn()
            connection.commits.rest()
            if not self._exactly_once:
                await connection.commits.commit()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._settings.drain_seconds):
                while self._in_flight.posts and self._tasks.failure is None:
                    await self._in_flight.change()
        except TimeoutError:
            log.error(  # noqa: TRY400  # the traceback of a time-out says nothing
                "%d posts were not answered in %s s; uncommitted, they will be read again",
                self._in_flight.posts,
                self._settings.drain_seconds,
            )

    # --- The way of a post

    async def _accept(self, job: Job) -> None:
        if job.kills:
            self._refuse(job, "killed_worker", "workers died twice with it in flight")
            return
        if isinstance(job.record, UnreadableRecord):
            self._refuse(job, "undecodable", "its headers have names that are not UTF-8, or worse")
            return
        try:
            post = decode_post(
                job.record.value,
                max_bytes=self._settings.max_post_bytes,
                max_meta_bytes=self._settings.max_meta_bytes,
            )
        except PostError as error:
            self._refuse(job, error.code, str(error))
            return
        job.size += _carried_bytes(post)
        self._in_flight.enter(job)
        if self._overload.defers(job, post):
            job.deferred = True
            await self._batcher.put((job, self._overload.without_media(post, job.received)))
        elif needs_fetching(post):
            self._tasks.spawn(self._fetch(job, post))
        else:
            await self._batcher.put((job, self._loader.inline(post, job.received)))

    def _refuse(self, job: Job, code: str, reason: str) -> None:
        self._in_flight.enter(job)
        self._tasks.spawn(self._publish([job], [self._answerer.refuse(job, code, reason)]))

    async def _fetch(self, job: Job, post: Post) -> None:
        self._in_flight.wait("fetch", 1)
        loaded = await asyncio.wrap_future(self._loader.submit(post, job.received))
        self._in_flight.wait("fetch", -1)
        job.fetched = time.perf_counter()
        self._in_flight.grow(job, max(0, loaded.size - _carried_bytes(post)))
        if self._left((job, loaded)):
            return
        if reason := self._retries.again(loaded, job.attempt):
            await self._publish([job], [self._answerer.put_off(job, reason)])
            return
        await self._batcher.put((job, self._retries.given_up(loaded, job.attempt)))

    def _left(self, work: Work) -> bool:
        """Whether the post is its partition's next owner's by now; if so, it is let go."""
        job, _ = work
        if job.progress.left:
            job.let_go = True
            self._tasks.spawn(self._publish([job], []))
        return job.progress.left

    async def _answer(self, batch: list[Work]) -> None:
        await asyncio.wait([self._tasks.spawn(self._screen(batch))])

    async def _screen(self, batch: list[Work]) -> None:
        messages = await self._answerer.answer(batch)
        # The batcher's caller is free again while the broker acknowledges.
        self._tasks.spawn(self._publish([job for job, _ in batch], messages))

    async def _publish(self, jobs: Sequence[Job], messages: Sequence[Message]) -> None:
        assert self._connection is not None  # or nothing could have been read
        began = time.perf_counter()
        for job in jobs:
            job.sent = began
            job.let_go = job.let_go or job.progress.left  # its next owner answers it
        lost = {id(job.record) for job in jobs if job.progress.left}
        messages = [message for message in messages if id(message.source) not in lost]
        self._in_flight.wait("publish", len(jobs))
        if self._exactly_once:
            self._connection.transactions.put(jobs, messages)
            return
        while messages:
            refused = await self._publisher.publish(messages)
            messages = [self._answerer.too_large(message) for message in refused]
        self._published(jobs)

    def _published(self, jobs: Sequence[Job]) -> None:
        assert self._connection is not None
        self._connection.commits.finish((job.progress, job.offset) for job in jobs)
        self._in_flight.wait("publish", -len(jobs))
        self._answerer.answered(jobs)
        self._in_flight.leave(jobs)


def _carried_bytes(post: Post) -> int:
    """Of attachments inside the message, held beside its value, which has them in base 64."""
    return sum(len(media.data or b"") for media in post.media)


def _share(work: Work, settings: Settings) -> float:
    """How much of a batch one post fills: of its bytes, or of the tokens of its text."""
    job, loaded = work
    characters = min(len(loaded.post.text or ""), settings.max_text_characters)
    return max(job.size / settings.batch_bytes, characters / settings.batch_characters)
