"""Which partitions are ours, and how far each may be committed."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from moderator.stream.offsets import PartitionProgress
from moderator.stream.suspects import Suspects, note, parse

log = logging.getLogger(__name__)


class Commits(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Commits, as only `transactions` does too: contiguous offsets, also when partitions leave.

    Each carries a note for whoever comes after us: see `suspects`. Offsets are worked out and sent
    under `moving`, which transactions hold too: Kafka keeps whichever comes last, so that a note
    sent beside an open transaction would take its offsets back.
    """

    def __init__(
        self,
        consumer: Any,
        suspects: Suspects,
        *,
        handover_seconds: float,
        patience_seconds: float = 1.0,
        assigned: Callable[[], None] = lambda: None,
    ) -> None:
        """`assigned` is told when partitions have been handed out.

        `patience_seconds`: how long a goodbye waits for a transaction under way.
        """
        self.moving = asyncio.Lock()  # held by whoever commits
        self._consumer = consumer
        self._suspects = suspects
        self._handover_seconds = handover_seconds
        self._patience_seconds = patience_seconds
        self._assigned = assigned
        self._progress: dict[TopicPartition, PartitionProgress] = {}
        self._leaving: dict[TopicPartition, PartitionProgress] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._announced: dict[TopicPartition, int] = {}  # reach of the note that Kafka has
        self._announcing = False  # a note waits to be sent
        self._finished = asyncio.Event()
        self._moved_at = time.monotonic()  # when offsets were last committed, or none were due
        self.assigned = False  # this worker has joined its group and is not rebalancing

    def progress(self, partition: TopicPartition) -> PartitionProgress | None:
        """None when the partition is another worker's by now, who reads it again."""
        return self._progress.get(partition)

    def owned(self) -> Mapping[TopicPartition, PartitionProgress]:
        """The partitions that are ours, those included that are being handed over."""
        return {**self._leaving, **self._progress}

    def announced(self, partition: TopicPartition) -> int:
        """How far the note reaches that Kafka has."""
        return self._announced.get(partition, 0)

    def finish(self, answered: Iterable[tuple[PartitionProgress, int]]) -> None:
        """These offsets have an acknowledged verdict or dead letter."""
        for progress, offset in answered:
            progress.finish(offset)
        self._finished.set()

    @property
    def age_seconds(self) -> float:
        """Since offsets were last committed; 0 when there is nothing to commit."""
        return time.monotonic() - self._moved_at if self._due() else 0.0

    def rest(self) -> None:
        """Called now and then, so that an age is that of work and not of the pause before it."""
        if not self._due():
            self._moved_at = time.monotonic()

    def _due(self) -> bool:
        return any(
            progress.unanswered or progress.committable not in (None, self._committed.get(place))
            for place, progress in list(self._progress.items())
        )

    async def commit(self) -> None:
        """Commit what has moved. A failure costs duplicates, never posts: it is only logged."""
        async with self.moving:
            await self._commit(self._moved())

    def _moved(self) -> dict[TopicPartition, tuple[int, str]]:
        return {
            partition: (offset, self.note(partition, progress))
            for partition, progress in self._progress.items()
            if (offset := progress.committable) is not None
            and offset != self._committed.get(partition)
        }

    async def announce(self) -> None:
        """Leave notes where those that Kafka has do not reach as far as we read."""
        if self._announcing:  # that one sees what was read until it is sent
            return
        self._announcing = True
        try:
            await self.moving.acquire()
        finally:
            self._announcing = False
        try:
            await self._announce()
        finally:
            self.moving.release()

    async def _announce(self) -> None:
        short = {
            partition: (offset, self.note(partition, progress))
            for partition, progress in self._progress.items()
            if (offset := progress.standing) is not None
            and progress.last_read >= self._announced.get(partition, 0)
            and progress.unanswered
        }
        for partition, (_, left) in short.items():
            self._announced[partition] = parse(left).reach  # by the time that matters
        await self._commit(short)

    async def announce_alone(self, partition: TopicPartition, offset: int) -> None:
        """Commit everything, and that nothing else than this message is going to be in flight.

        In one request, because it is made for every suspect.
        """
        async with self.moving:
            moved = self._moved()
            if partition in self._progress:  # else it was handed over meanwhile
                self._suspects.announced(partition, offset)
                reach = self._suspects.reach(partition, offset - 1)
                moved[partition] = (offset, note(reach, alone=offset))
            await self._commit(moved)

    def note(self, partition: TopicPartition, progress: PartitionProgress) -> str:
        """What to leave with a commit, given what is in flight."""
        if not progress.unanswered:
            return self._suspects.pending(partition, progress.committable or 0)
        return note(self._suspects.reach(partition, progress.last_read))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Answer what is in flight, so that the next owner starts without duplicates."""
        self.assigned = False
        leaving = {
            partition: progress
            for partition in revoked
            if (progress := self._progress.pop(partition, None))
        }
        self._leaving = leaving
        try:
            async with asyncio.timeout(self._handover_seconds):
                while any(progress.unanswered for progress in leaving.values()):
                    self._finished.clear()
                    await self._finished.wait()
        except TimeoutError:
            log.warning(
                "partitions leave with %d posts unanswered; their next owner reads them again",
                sum(progress.unanswered for progress in leaving.values()),
            )
        await self.say_goodbye(leaving)
        self._leaving = {}
        for partition, progress in leaving.items():
            progress.left = True  # only now: nothing of it is committed after this
            self._committed.pop(partition, None)
            self._announced.pop(partition, None)
        self._suspects.forget(leaving)

    async def say_goodbye(
        self, leaving: Mapping[TopicPartition, PartitionProgress] | None = None
    ) -> None:
        """Commit, for the last time, without notes: what is in flight has not killed us.

        Not beside a transaction that does not end, whose offsets this would take back.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self.moving.acquire()
        except TimeoutError:
            log.warning("a transaction does not end; leaving without a goodbye")
            return
        try:
            await self._commit_last(self._progress if leaving is None else leaving)
        finally:
            self.moving.release()

    async def _commit_last(self, partitions: Mapping[TopicPartition, PartitionProgress]) -> None:
        await self._commit(
            {
                partition: (offset, self._suspects.pending(partition, offset))
                for partition, progress in partitions.items()
                if (offset := progress.standing) is not None
                and (
                    progress.committable not in (None, self._committed.get(partition))
                    or self._announced.get(partition)
                )
            }
        )

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start afresh on each partition."""
        self._progress = {partition: PartitionProgress() for partition in assigned}
        self._assigned()
        self.assigned = True
        log.info("reading partitions %s", sorted(partition.partition for partition in assigned))

    def committed(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> None:
        """Kafka has these offsets and notes."""
        if any(self._committed.get(place) != offset for place, (offset, _) in offsets.items()):
            self._moved_at = time.monotonic()  # else these were notes only
        ours = self.owned()
        for partition, (offset, left) in offsets.items():
            if partition in ours:  # it may have left meanwhile
                self._committed[partition] = offset
                self._announced[partition] = parse(left).reach

    async def _commit(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> None:
        if not offsets:
            return
        try:
            await self._consumer.commit(
                {place: OffsetAndMetadata(*wanted) for place, wanted in offsets.items()}
            )
        except KafkaError as error:
            log.warning("offsets not committed: %r", error)
            return
        self.committed(offsets)
