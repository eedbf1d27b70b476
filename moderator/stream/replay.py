"""Messages once more through the posts topic: dead letters, or any range of offsets."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from moderator.errors import StartupError, TransientError
from moderator.settings import Settings
from moderator.stream import dead_letters
from moderator.stream.clients import (
    committed,
    existing_topics,
    make_consumer,
    make_producer,
    started,
)
from moderator.stream.reader import Reader
from moderator.stream.records import UnreadableRecord

_AT_ONCE = 500
_NO_CODE = "message"  # of a topic that is not the dead letters'


@dataclass(frozen=True)
class Range:
    """What to look at: a topic, or one partition of it from an offset up to before another."""

    topic: str
    partition: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass
class Tally:
    """What was found there, by code."""

    chosen: Counter[str] = field(default_factory=Counter)
    done_before: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)  # codes that were not asked for
    empty: Counter[str] = field(default_factory=Counter)  # without the bytes of the post


class Replay:
    """Re-drives messages with their own keys and headers.

    Dead letters that were replayed once are not again: how far that went is kept in Kafka, for each
    code in a group of its own. A post that is answered twice all the same has one verdict id.
    """

    def __init__(
        self, settings: Settings, where: Range, codes: Collection[str], *, again: bool
    ) -> None:
        self._settings = settings
        self._where = where
        self._codes = frozenset(codes)
        self._again = again
        self._of_letters = where.topic == settings.dead_letters_topic
        self._starts: dict[TopicPartition, int] = {}
        self._done: dict[str, dict[TopicPartition, int]] = {}

    async def run(self, *, send: bool) -> Tally:
        """Count, and if told to, send. Raises StartupError for the range, TransientError."""
        try:
            if self._where.topic not in await existing_topics(self._settings):
                raise StartupError(f"{self._settings.kafka} has no topic {self._where.topic}")
            consumer = make_consumer(self._settings, group=None)
            async with started(consumer):
                return await self._run(consumer, send=send)
        except KafkaError as error:
            raise TransientError(f"replay stopped: {error}") from error

    async def _run(self, consumer: Any, *, send: bool) -> Tally:
        tally, ends = Tally(), await self._assign(consumer)
        if not send:
            async for record in self._chosen(consumer, ends, tally):
                del record  # counted
            return tally
        async with started(make_producer(self._settings)) as producer:
            waiting = []
            async for record in self._chosen(consumer, ends, tally):
                waiting.append(
                    await producer.send(
                        self._settings.posts_topic,
                        record.value,
                        key=record.key,
                        headers=dead_letters.foreign(record),
                    )
                )
                if len(waiting) >= _AT_ONCE:
                    await asyncio.gather(*waiting)
                    waiting.clear()
            await asyncio.gather(*waiting)
        for code in tally.chosen if self._of_letters else ():
            await self._remember(code, ends)
        return tally

    async def _chosen(
        self, consumer: Any, ends: dict[TopicPartition, int], tally: Tally
    ) -> AsyncIterator[Any]:
        reader = Reader(consumer, poll_ms=200)
        reader.start_at({place: await consumer.position(place) for place in ends})
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await reader.read(_AT_ONCE)).items():
                for record in records:
                    if record.offset < ends[place] and await self._wanted(place, record, tally):
                        yield record

    async def _wanted(self, place: TopicPartition, record: Any, tally: Tally) -> bool:
        code = _NO_CODE
        if self._of_letters:
            code = (dict(record.headers).get(dead_letters.PREFIX + "code") or b"?").decode()
        if self._codes and code not in self._codes:
            tally.other[code] += 1
        elif isinstance(record, UnreadableRecord) or not record.value:
            tally.empty[code] += 1
        elif await self._is_done(code, place, record.offset):
            tally.done_before[code] += 1
        else:
            tally.chosen[code] += 1
            return True
        return False

    async def _is_done(self, code: str, place: TopicPartition, offset: int) -> bool:
        if self._again or not self._of_letters:
            return False
        return offset < (await self._done_to(code)).get(place, 0)

    async def _assign(self, consumer: Any) -> dict[TopicPartition, int]:
        """Set the consumer to the range's beginnings; its ends."""
        where = self._where
        # What a producer calls `partitions_for`; a consumer knows only of topics it subscribes to.
        known = await consumer._client._wait_on_metadata(where.topic)  # noqa: SLF001
        if where.partition is not None and where.partition not in known:
            raise StartupError(f"{where.topic} has no partition {where.partition}")
        numbers = sorted(known) if where.partition is None else [where.partition]
        places = [TopicPartition(where.topic, number) for number in numbers]
        consumer.assign(places)
        starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in places:
            # What was deleted before the range is no gap in it.
            wanted = where.start or 0
            self._starts[place] = wanted if wanted > starts[place] else 0
            consumer.seek(place, max(starts[place], wanted))
            ends[place] = min(ends[place], ends[place] if where.end is None else where.end)
        return {place: ends[place] for place in places}

    async def _done_to(self, code: str) -> dict[TopicPartition, int]:
        """The first dead letter with this code that was not replayed yet."""
        if code not in self._done:
            settings = self._settings.model_copy(update={"group": self._group(code)})
            found = await committed(settings, self._starts)
            self._done[code] = {place: max(offset, 0) for place, (offset, _) in found.items()}
        return self._done[code]

    async def _remember(self, code: str, ends: dict[TopicPartition, int]) -> None:
        further = advanced(await self._done_to(code), self._starts, ends)
        if not further:
            return
        consumer = make_consumer(self._settings, group=self._group(code))
        async with started(consumer):
            consumer.assign(list(further))
            marks = {place: OffsetAndMetadata(at, "") for place, at in further.items()}
            await consumer.commit(marks)

    def _group(self, code: str) -> str:
        return f"{self._settings.group}.replayed.{code}"


def advanced(
    done: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Where a range that was replayed moves the marks; all before a mark counts as replayed.

    Not past a gap before the range, nor back: what is not marked can be replayed again.
    """
    return {place: end for place, end in ends.items() if starts[place] <= done.get(place, 0) < end}
