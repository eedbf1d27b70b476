"""The way in: messages from Kafka, also those that cannot be decoded, and those for later."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from moderator.stream.records import refetch

log = logging.getLogger(__name__)
Fetched = Mapping[TopicPartition, Sequence[Any]]  # ConsumerRecord


class Reader:
    """Reads what a consumer is assigned, in offset order by partition."""

    def __init__(self, consumer: Any, *, poll_ms: int) -> None:
        self._consumer = consumer
        self._poll_ms = poll_ms
        self._read_to: dict[TopicPartition, int] = {}

    async def read(self, most: int) -> Fetched:
        """Up to `most` messages, or one batch of each partition where one cannot be decoded.

        Raises KafkaError.
        """
        try:
            fetched: Fetched = await self._consumer.getmany(
                timeout_ms=self._poll_ms, max_records=most
            )
        except KafkaError:
            raise
        except Exception as error:  # noqa: BLE001  # of decoders and decompressors of any kind
            log.warning("a message cannot be decoded (%r); reading around it", error)
            # Which partition it was is not told, so each is read past one batch.
            return {place: await self._past(place) for place in self._consumer.assignment()}
        for place, records in fetched.items():
            self._read_to[place] = records[-1].offset
        return fetched

    def lag(self) -> int:
        """How many messages of our partitions wait in Kafka, as far as the broker has told."""
        return sum(
            max((self._consumer.highwater(place) or 0) - (self._read_to.get(place, -1) + 1), 0)
            for place in self._consumer.assignment()
            if place in self._read_to
        )

    def put_back(self, partition: TopicPartition, offset: int, wait_seconds: float) -> None:
        """Read `offset` again, after a while in which nothing is read of its partition."""
        self._consumer.seek(partition, offset)
        self._consumer.pause(partition)
        asyncio.get_running_loop().call_later(wait_seconds, self._resume, partition)

    def _resume(self, partition: TopicPartition) -> None:
        try:
            self._consumer.resume(partition)
        except IllegalStateError:  # another worker's by now
            log.debug("partition %s has left before it was resumed", partition)

    async def _past(self, partition: TopicPartition) -> Sequence[Any]:
        return await refetch(self._consumer, partition)


def split_due(
    records: Sequence[Any],
    due: Callable[[Any], float],
    clock: Callable[[], float] = time.time,
) -> tuple[Sequence[Any], float]:
    """The records that come before the first that is not due yet, and how long that one waits."""
    now = clock()
    for place, record in enumerate(records):
        if (wait := due(record) - now) > 0:
            return records[:place], wait
    return records, 0.0
