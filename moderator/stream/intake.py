"""The way in: what is read of Kafka, when, and which messages one at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from moderator.stream.answerer import Job
from moderator.stream.connection import Connection
from moderator.stream.in_flight import InFlight
from moderator.stream.offsets import PartitionProgress
from moderator.stream.overload import Overload
from moderator.stream.reader import Fetched, split_due
from moderator.stream.retries import Retries
from moderator.stream.tasks import Tasks

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.2
_BEAR_SECONDS = 30.0


class Intake:
    """Reads as much as there is room for, and makes jobs of it."""

    def __init__(
        self,
        in_flight: InFlight,
        overload: Overload,
        retries: Retries,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._in_flight = in_flight
        self._overload = overload
        self._retries = retries
        self._tasks = tasks
        self._clock = clock
        self._failing_since: float | None = None  # reading fails, without a break, since then

    @property
    def reads(self) -> bool:
        """False while the broker is away."""
        return self._failing_since is None

    async def jobs(self, connection: Connection) -> AsyncIterator[Job]:
        """What is to be answered, until there shall be no more. Raises KafkaError.

        Whoever takes a job enters it in flight before asking for the next one.
        """
        while not self._in_flight.closed:
            if not (room := self._in_flight.room):
                await self._in_flight.change()
                continue
            try:
                fetched = await connection.reader.read(room)
            except KafkaError as error:
                await self._cannot_read(error)
                continue
            self._failing_since = None
            self._overload.observe(fetched)
            async for job in self._mine(connection, fetched):
                yield job

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

    async def _mine(self, connection: Connection, fetched: Fetched) -> AsyncIterator[Job]:
        # Looked up before anything is awaited: later, a partition may have left and come back.
        mine = [
            (place, progress, self._due(connection, place, records))
            for place, records in fetched.items()
            if (progress := connection.commits.progress(place))  # else handed over meanwhile
        ]
        await connection.suspects.learn([place for place, _, records in mine if records])
        for place, progress, records in mine:
            async for job in self._of_partition(connection, place, progress, records):
                yield job

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

    async def _of_partition(
        self,
        connection: Connection,
        place: TopicPartition,
        progress: PartitionProgress,
        records: Sequence[Any],
    ) -> AsyncIterator[Job]:
        alone = False
        for record in records:
            if connection.suspects.suspected(place, record.offset):
                alone = True
                if not await self._all_answered():
                    return
                if connection.commits.progress(place) is progress:  # else another worker's by now
                    yield await self._suspect(connection, place, progress, record)
                    if not await self._all_answered():
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
                self._tasks.spawn(connection.commits.announce())
            yield self._job(record, progress)
        if alone:
            await connection.commits.commit()

    async def _suspect(
        self,
        connection: Connection,
        place: TopicPartition,
        progress: PartitionProgress,
        record: Any,
    ) -> Job:
        """One that may have killed a worker, while nothing else is in flight."""
        progress.start(record.offset)
        job = self._job(record, progress)
        if connection.suspects.guilty(place, record.offset):
            log.error("the message at %s:%d kills workers; quarantined", place, record.offset)
            job.kills = True
            connection.suspects.acquit()
        else:
            await connection.commits.announce_alone(place, record.offset)
        return job

    async def _all_answered(self) -> bool:
        """False when told to stop before that."""
        while self._in_flight.posts and not self._in_flight.closed:
            await self._in_flight.change()
        return not self._in_flight.posts

    def _job(self, record: Any, progress: PartitionProgress) -> Job:
        size = len(record.value or b"")
        if record.topic != self._retries.topic:
            return Job(record, progress, size=size, offset=record.offset)
        origin, attempt, amends = self._retries.comeback(record)
        return Job(
            origin, progress, size=size, offset=record.offset, attempt=attempt, amends=amends
        )
