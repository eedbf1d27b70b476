"""The way of a post through Kafka: read, screen, publish, and only then commit."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError

from moderator.batching import Batcher
from moderator.errors import PostError, TransientError
from moderator.media.load import MediaLoader, needs_fetching
from moderator.metrics import Metrics
from moderator.posts import Post, decode_post
from moderator.settings import Settings
from moderator.stream.answerer import Answerer, Job, Work
from moderator.stream.clients import KAFKA, Clients, until_it_works
from moderator.stream.commits import Commits
from moderator.stream.publisher import Message, Publisher

log = logging.getLogger(__name__)

_POLL_MS = 200
_GOODBYE_SECONDS = 3.0  # for each client; the two stay within what `app` grants after the drain
_BEAR_SECONDS = 30.0


class HotPath:
    """Reads posts, has them answered, publishes the answers, and lets their offsets be committed.

    At least once: an offset is committed after the verdict or dead letter of its message, and of
    every message before it on the partition, was acknowledged by the broker.
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
        self._metrics = metrics
        self._clients = clients
        self._clock = clock
        self._publisher = Publisher(settings, metrics, producer=clients.producer)
        self._batcher = Batcher(
            self._answer,
            callers=answerer.callers,
            max_items=settings.batch_posts,
            max_wait_seconds=settings.batch_wait_ms / 1000,
        )
        self._consumer: Any = None
        self._commits: Commits | None = None
        self._posts = self._bytes = 0  # in flight
        self._waiting = {"fetch": 0, "publish": 0}  # of these, posts that wait for others
        self._changed = asyncio.Event()  # something was answered, or `stop` was called
        self._stopping = self._closing = False
        self._failing_since: float | None = None  # reading fails, without a break, since then
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_answer = clock()

    @property
    def ready(self) -> bool:
        """Joined its group, partitions handed out, not rebalancing."""
        return (
            self._commits is not None
            and self._commits.assigned
            and self._failing_since is None
            and not self._stopping
        )

    @property
    def stalled_seconds(self) -> float:
        """How long posts have been in flight without one being answered; 0 when idle."""
        return self._clock() - self._last_answer if self._posts else 0.0

    @property
    def commit_age_seconds(self) -> float:
        """Since offsets were last committed; 0 when there is nothing to commit."""
        return self._commits.age_seconds if self._commits else 0.0

    @property
    def lag_posts(self) -> Mapping[int, int]:
        """By partition, posts behind the end, as far as the broker has told."""
        return self._commits.lag_posts if self._commits else {}

    @property
    def in_flight_bytes(self) -> int:
        """Held in memory for posts in flight."""
        return self._bytes

    @property
    def waiting_posts(self) -> Mapping[str, int]:
        """By what they wait for."""
        return {**self._waiting, "batch": len(self._batcher)}

    @property
    def reads(self) -> bool:
        """False while the broker is away."""
        return self._failing_since is None

    def stop(self) -> None:
        """Have `run` read no more, answer what is in flight, commit and return."""
        self._stopping = True
        self._changed.set()

    async def run(self) -> None:
        """Connect, however long that takes, and read until `stop`. Raises on a bug only."""
        await until_it_works("waiting for Kafka", self._connect, lambda: self._stopping)
        if self._commits is None:
            return
        self._spawn(self._batcher.run())
        self._spawn(self._commit_regularly(self._commits))
        try:
            while not self._stopping:
                await self._read_some(self._commits)
            if self._failure is None:
                await self._drain()
        finally:
            self._closing = True
            for task in self._tasks:
                task.cancel()
            await self._commits.commit()
            await self._disconnect()
            self._answerer.close()
            self._loader.close()
        if self._failure:
            raise self._failure

    async def _connect(self) -> None:
        await self._clients.ensure_topics(self._settings)
        consumer = self._clients.consumer(self._settings, group=self._settings.group)
        # Well inside the time after which the group goes on without us.
        handover_seconds = self._settings.session_timeout_seconds / 2
        commits = Commits(consumer, handover_seconds=handover_seconds)
        consumer.subscribe([self._settings.posts_topic], listener=commits)
        self._consumer = consumer
        try:
            await self._publisher.start()
            await consumer.start()
        except (KafkaError, OSError) as error:
            await self._disconnect()
            raise TransientError(f"Kafka cannot be reached: {error}") from error
        self._commits = commits
        log.info("reading %s from %s", self._settings.posts_topic, self._settings.kafka)

    async def _disconnect(self) -> None:
        for client in (self._consumer, self._publisher):  # each, whatever became of the other
            try:
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await client.stop()
            except (TimeoutError, KafkaError) as error:
                log.warning("left without saying goodbye to Kafka: %r", error)

    async def _commit_regularly(self, commits: Commits) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_seconds)
            await commits.commit()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._settings.drain_seconds):
                while self._posts and self._failure is None:
                    await self._change()
        except TimeoutError:
            log.error(  # noqa: TRY400  # the traceback of a time-out says nothing
                "%d posts were not answered in %s s; uncommitted, they will be read again",
                self._posts,
                self._settings.drain_seconds,
            )

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _read_some(self, commits: Commits) -> None:
        room = self._settings.max_in_flight_posts - self._posts
        if room <= 0 or self._bytes >= self._settings.max_in_flight_bytes:
            await self._change()
            return
        try:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=room)
        except KafkaError as error:
            await self._cannot_read(error)
            return
        self._failing_since = None
        # Looked up before anything is awaited: later, a partition may have left and come back.
        mine = [(commits.progress(partition), records) for partition, records in fetched.items()]
        for progress, records in mine:
            if progress is None:  # handed over while this was fetched
                continue
            for record in records:
                progress.start(record.offset)
                await self._accept(Job(record, progress, size=len(record.value or b"")))

    async def _cannot_read(self, error: KafkaError) -> None:
        """Bear with it for a while; but a consumer that is out of its group for good is a zombie.

        aiokafka waits by itself for a broker that is away; what comes up here is the end of its
        part in the group, or a message it cannot read. Both end the process rather than the posts.
        """
        now = self._clock()
        self._failing_since = self._failing_since or now
        log.warning("cannot read: %r", error)
        if not error.retriable or now - self._failing_since > _BEAR_SECONDS:
            raise error
        await asyncio.sleep(_POLL_MS / 1000)

    async def _accept(self, job: Job) -> None:
        if not self._posts:
            self._last_answer = self._clock()  # a stall is counted from now
        self._posts += 1
        self._bytes += job.size
        self._metrics.in_flight.set(self._posts)
        try:
            post = decode_post(
                job.record.value,
                max_bytes=self._settings.max_post_bytes,
                max_meta_bytes=self._settings.max_meta_bytes,
            )
        except PostError as error:
            message = self._answerer.refuse(job, error.code, str(error))
            self._spawn(self._publish([job], [message]))
            return
        if needs_fetching(post):
            self._spawn(self._fetch(job, post))
        else:
            await self._batcher.put((job, self._loader.inline(post, job.received)))

    async def _fetch(self, job: Job, post: Post) -> None:
        self._waiting["fetch"] += 1
        loaded = await asyncio.wrap_future(self._loader.submit(post, job.received))
        self._waiting["fetch"] -= 1
        job.fetched = time.perf_counter()
        fetched_bytes = loaded.size - job.size
        job.size += fetched_bytes
        self._bytes += fetched_bytes
        await self._batcher.put((job, loaded))

    async def _answer(self, batch: list[Work]) -> None:
        await asyncio.wait([self._spawn(self._screen(batch))])

    async def _screen(self, batch: list[Work]) -> None:
        messages = await self._answerer.answer(batch)
        # The batcher's caller is free again while the broker acknowledges.
        self._spawn(self._publish([job for job, _ in batch], messages))

    async def _publish(self, jobs: Sequence[Job], messages: Sequence[Message]) -> None:
        began = time.perf_counter()
        self._waiting["publish"] += len(jobs)
        while messages:
            refused = await self._publisher.publish(messages)
            messages = [self._answerer.too_large(message) for message in refused]
        assert self._commits is not None  # or nothing could have been read
        self._commits.finish((job.progress, job.record.offset) for job in jobs)
        self._waiting["publish"] -= len(jobs)
        self._answerer.answered(jobs, began)
        self._posts -= len(jobs)
        self._bytes -= sum(job.size for job in jobs)
        self._metrics.in_flight.set(self._posts)
        self._last_answer = self._clock()
        self._changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run beside everything else. A bug in it stops the worker; nothing is lost by that."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)
        return task

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._closing:
            return
        # Cancelled by somebody else: its posts would never be answered. Not a CancelledError, which
        # would look as if whoever waits for `run` had cancelled it.
        error = (
            RuntimeError(f"somebody cancelled {task!r}") if task.cancelled() else task.exception()
        )
        if error:
            log.error("the worker stops because of a bug", exc_info=error)
            self._failure = error
            self.stop()
