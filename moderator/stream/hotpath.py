"""The way of a post through Kafka: read, screen, publish, and only then commit."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from moderator.batching import Batcher
from moderator.errors import PostError
from moderator.media.load import MediaLoader, needs_fetching
from moderator.metrics import Metrics
from moderator.posts import Post, decode_post
from moderator.settings import Settings
from moderator.stream.answerer import Answerer, Job, Work
from moderator.stream.clients import KAFKA, Clients, until_it_works
from moderator.stream.connection import Connection
from moderator.stream.offsets import PartitionProgress
from moderator.stream.overload import Overload
from moderator.stream.publisher import Message, Publisher
from moderator.stream.reader import split_due
from moderator.stream.records import UnreadableRecord
from moderator.stream.retries import Retries

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.2
_BEAR_SECONDS = 30.0


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
        self._metrics = metrics
        self._clients = clients
        self._clock = clock
        self._retries = Retries(settings)
        self._overload = Overload(settings)
        self._publisher = Publisher(settings, metrics, producer=clients.producer)
        self._exactly_once = settings.delivery == "exactly_once"
        self._batcher = Batcher(
            self._answer,
            callers=answerer.callers,
            max_items=settings.batch_posts,
            max_wait_seconds=settings.batch_wait_ms / 1000,
            weigh=lambda work: work[0].size / settings.batch_bytes,
            unwanted=self._left,
        )
        self._connection: Connection | None = None
        self._posts = self._bytes = 0  # in flight
        self._waiting = {"fetch": 0, "publish": 0}  # of these, posts that wait for others
        self._changed = asyncio.Event()  # something was answered, or `stop` was called
        self._stopping = self._closing = False
        self._failing_since: float | None = None  # reading fails, without a break, since then
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_answer = self._last_turn = clock()

    @property
    def ready(self) -> bool:
        """Joined its group, partitions handed out, not rebalancing."""
        return (
            self._connection is not None
            and self._connection.commits.assigned
            and self._failing_since is None
            and not self._stopping
        )

    @property
    def stalled_seconds(self) -> float:
        """How long posts have been in flight without one being answered; 0 when idle.

        Or for how long nothing has run at all, once that is more than a moment.
        """
        if self._connection is None:
            return 0.0
        waited = self._clock() - self._last_answer if self._posts else 0.0
        frozen = self._clock() - self._last_turn - self._settings.commit_interval_seconds
        return max(waited, frozen, 0.0)

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
        if self._connection is None:
            return
        self._spawn(self._batcher.run())
        self._spawn(self._commit_regularly(self._connection))
        publishing = None
        if self._exactly_once:
            transactions = self._connection.transactions
            publishing = self._spawn(transactions.run(self._answerer.too_large, self._published))
        try:
            while not self._stopping:
                await self._read_some(self._connection)
            if self._failure is None:
                await self._drain()
        finally:
            self._closing = True
            for task in self._tasks - {publishing}:
                task.cancel()
            # Whoever ends of a bug leaves the note that tells of what was in flight.
            if self._failure is None:
                await self._connection.commits.say_goodbye()
            elif publishing is None:
                await self._connection.commits.commit()
            if publishing is not None:  # only now: cut short, a transaction may yet be committed
                publishing.cancel()
            await self._connection.close()
            self._answerer.close()
            self._loader.close()
        if self._failure:
            raise self._failure

    async def _connect(self) -> None:
        self._connection = await Connection.open(self._settings, self._publisher, self._clients)
        self._last_turn = self._clock()

    async def _commit_regularly(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._settings.commit_interval_seconds)
            self._last_turn = self._clock()
            connection.commits.rest()
            if not self._exactly_once:
                await connection.commits.commit()

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

    async def _read_some(self, connection: Connection) -> None:
        room = self._settings.max_in_flight_posts - self._posts
        if room <= 0 or self._bytes >= self._settings.max_in_flight_bytes:
            await self._change()
            return
        try:
            fetched = await connection.reader.read(room)
        except KafkaError as error:
            await self._cannot_read(error)
            return
        self._failing_since = None
        self._overload.observe(fetched)
        # Looked up before anything is awaited: later, a partition may have left and come back.
        mine = [
            (place, progress, self._due(connection, place, records))
            for place, records in fetched.items()
            if (progress := connection.commits.progress(place))  # else handed over meanwhile
        ]
        await connection.suspects.learn([place for place, _, records in mine if records])
        for place, progress, records in mine:
            await self._accept_all(connection, place, progress, records)

    def _due(
        self, connection: Connection, place: TopicPartition, records: Sequence[Any]
    ) -> Sequence[Any]:
        """Without those that are to be tried later; they are read again when it is time."""
        if place.topic != self._retries.topic:
            return records
        due, wait_seconds = split_due(records, self._overload.due(self._retries))
        if wait_seconds:
            connection.reader.put_back(place, records[len(due)].offset, wait_seconds)
        return due

    async def _accept_all(
        self,
        connection: Connection,
        place: TopicPartition,
        progress: PartitionProgress,
        records: Sequence[Any],
    ) -> None:
        alone = False
        for record in records:
            if connection.suspects.suspected(place, record.offset):
                alone = True
                if not await self._accept_alone(connection, place, progress, record):
                    return
                continue
            if alone:
                alone = False
                await connection.commits.commit()  # nobody is alone any more
            progress.start(record.offset)
            if progress.last_read >= connection.commits.announced(place):
                # Not waited for. At least once, it leaves before a thread has begun with the
                # message; exactly once, only after the transaction under way: a death before that
                # teaches nothing, and poison takes one more.
                self._spawn(connection.commits.announce())
            await self._accept(self._job(record, progress))
        if alone:
            await connection.commits.commit()

    async def _accept_alone(
        self,
        connection: Connection,
        place: TopicPartition,
        progress: PartitionProgress,
        record: Any,
    ) -> bool:
        """Have a suspect answered while nothing else is in flight; False when told to stop."""
        if not await self._all_answered():
            return False
        if connection.commits.progress(place) is not progress:  # another worker's by now
            return True
        progress.start(record.offset)
        job = self._job(record, progress)
        if connection.suspects.guilty(place, record.offset):
            log.error("the message at %s:%d kills workers; quarantined", place, record.offset)
            self._refuse(job, "killed_worker", "workers died twice with it in flight")
            connection.suspects.acquit()
        else:
            await connection.commits.announce_alone(place, record.offset)
            await self._accept(job)
        return await self._all_answered()

    async def _all_answered(self) -> bool:
        while self._posts and not self._stopping:
            await self._change()
        return not self._posts

    def _job(self, record: Any, progress: PartitionProgress) -> Job:
        size = len(record.value or b"")
        if record.topic != self._retries.topic:
            return Job(record, progress, size=size, offset=record.offset)
        origin, attempt, amends = self._retries.comeback(record)
        return Job(
            origin, progress, size=size, offset=record.offset, attempt=attempt, amends=amends
        )

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
        await asyncio.sleep(_PAUSE_SECONDS)

    def _enter(self, job: Job) -> None:
        if not self._posts:
            self._last_answer = self._clock()  # a stall is counted from now
        self._posts += 1
        self._bytes += job.size
        self._metrics.in_flight.set(self._posts)

    def _refuse(self, job: Job, code: str, reason: str) -> None:
        self._enter(job)
        self._spawn(self._publish([job], [self._answerer.refuse(job, code, reason)]))

    async def _accept(self, job: Job) -> None:
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
        self._enter(job)
        if self._overload.defers(job, post):
            job.deferred = True
            await self._batcher.put((job, self._overload.without_media(post, job.received)))
        elif needs_fetching(post):
            self._spawn(self._fetch(job, post))
        else:
            await self._batcher.put((job, self._loader.inline(post, job.received)))

    async def _fetch(self, job: Job, post: Post) -> None:
        self._waiting["fetch"] += 1
        loaded = await asyncio.wrap_future(self._loader.submit(post, job.received))
        self._waiting["fetch"] -= 1
        job.fetched = time.perf_counter()
        fetched_bytes = max(0, loaded.size - _carried_bytes(post))
        job.size += fetched_bytes
        self._bytes += fetched_bytes
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
            self._spawn(self._publish([job], []))
        return job.progress.left

    async def _answer(self, batch: list[Work]) -> None:
        await asyncio.wait([self._spawn(self._screen(batch))])

    async def _screen(self, batch: list[Work]) -> None:
        messages = await self._answerer.answer(batch)
        # The batcher's caller is free again while the broker acknowledges.
        self._spawn(self._publish([job for job, _ in batch], messages))

    async def _publish(self, jobs: Sequence[Job], messages: Sequence[Message]) -> None:
        assert self._connection is not None  # or nothing could have been read
        began = time.perf_counter()
        for job in jobs:
            job.sent = began
            job.let_go = job.let_go or job.progress.left  # its next owner answers it
        lost = {id(job.record) for job in jobs if job.progress.left}
        messages = [message for message in messages if id(message.source) not in lost]
        self._waiting["publish"] += len(jobs)
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
        self._waiting["publish"] -= len(jobs)
        self._answerer.answered(jobs)
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


def _carried_bytes(post: Post) -> int:
    """Of attachments inside the message, held beside its value, which has them in base 64."""
    return sum(len(media.data or b"") for media in post.media)
