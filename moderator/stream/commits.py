"""Which partitions are ours, and how far each may be committed."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from moderator.stream.offsets import PartitionProgress

log = logging.getLogger(__name__)


class Commits(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """The only place that commits: contiguous offsets, also when partitions leave."""

    def __init__(self, consumer: Any, *, handover_seconds: float) -> None:
        self._consumer = consumer
        self._handover_seconds = handover_seconds
        self._progress: dict[TopicPartition, PartitionProgress] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._finished = asyncio.Event()
        self._moved_at = time.monotonic()  # when offsets were last committed, or none were due
        self.assigned = False  # this worker has joined its group and is not rebalancing

    def progress(self, partition: TopicPartition) -> PartitionProgress | None:
        """None when the partition is another worker's by now, who reads it again."""
        return self._progress.get(partition)

    def finish(self, answered: Iterable[tuple[PartitionProgress, int]]) -> None:
        """These offsets have an acknowledged verdict or dead letter."""
        for progress, offset in answered:
            progress.finish(offset)
        self._finished.set()

    @property
    def age_seconds(self) -> float:
        """Since offsets were last committed; 0 when there is nothing to commit."""
        pending = any(
            progress.unanswered or progress.committable != self._committed.get(partition)
            for partition, progress in list(self._progress.items())
        )
        return time.monotonic() - self._moved_at if pending else 0.0

    @property
    def lag_posts(self) -> dict[int, int]:
        """By partition: messages that are not answered, as far as the broker has told."""
        return {
            partition.partition: max(0, end - (progress.committable or end))
            for partition, progress in list(self._progress.items())
            if (end := self._consumer.highwater(partition)) is not None
        }

    async def commit(self) -> None:
        """Commit what has moved. A failure costs duplicates, never posts: it is only logged."""
        await self._commit(self._progress)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Answer what is in flight, so that the next owner starts without duplicates."""
        self.assigned = False
        leaving = {
            partition: progress
            for partition in revoked
            if (progress := self._progress.pop(partition, None))
        }
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
        await self._commit(leaving)
        for partition in leaving:
            self._committed.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start afresh on each partition."""
        self._progress = {partition: PartitionProgress() for partition in assigned}
        self.assigned = True
        log.info("reading partitions %s", sorted(partition.partition for partition in assigned))

    async def _commit(self, of: dict[TopicPartition, PartitionProgress]) -> None:
        offsets = {
            partition: offset
            for partition, progress in of.items()
            if (offset := progress.committable) is not None
            and offset != self._committed.get(partition)
        }
        if not offsets:
            if not any(progress.unanswered for progress in of.values()):
                self._moved_at = time.monotonic()
            return
        try:
            await self._consumer.commit(offsets)
        except KafkaError as error:
            log.warning("offsets not committed: %r", error)
            return
        self._committed.update(offsets)
        self._moved_at = time.monotonic()
