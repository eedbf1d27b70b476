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
        self._next: dict[TopicPartition, int] = {}  # offsets to read

    async def read(self, most: int) -> Fetched:
        """Up to `most` messages, or a MiB of each partition where one cannot be decoded.

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
            # Which partition it was is not told, and what was fetched of others is gone with it.
            places = sorted(self._consumer.assignment() - self._consumer.paused())
            for place in places:
                await self._go_back(place)
            fetched = {place: await refetch(self._consumer, place) for place in places}
        for place, records in fetched.items():
            if records:
                self._next[place] = records[-1].offset + 1
        return fetched

    def start_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """What is assigned is assigned anew; a member of a group starts where that has come to."""
        self._next = dict(offsets)

    async def _go_back(self, place: TopicPartition) -> None:
        if (offset := self._next.get(place)) is None:
            offset = await self._consumer.committed(place)
        if offset is None:
            await self._consumer.seek_to_beginning(place)
        else:
            self._consumer.seek(place, offset)

    def position(self, place: TopicPartition) -> int | None:
        """The offset that is read next; None before anything was read."""
        return self._next.get(place)

    def put_back(self, partition: TopicPartition, offset: int, wait_seconds: float) -> None:
        """Read `offset` again, after a while in which nothing is read of its partition."""
        self._consumer.seek(partition, offset)
        self._next[partition] = offset
        self._consumer.pause(partition)
        asyncio.get_running_loop().call_later(wait_seconds, self._resume, partition)

    def _resume(self, partition: TopicPartition) -> None:
        try:
            self._consumer.resume(partition)
        except IllegalStateError:  # another worker's by now
            log.debug("partition %s has left before it was resumed", partition)


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
