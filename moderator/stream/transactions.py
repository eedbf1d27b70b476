"""Exactly once: verdicts and the offsets they answer, in one Kafka transaction."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import (
    IllegalGenerationError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
)
from aiokafka.structs import OffsetAndMetadata

from moderator.errors import StartupError
from moderator.settings import Settings
from moderator.stream.answerer import Job
from moderator.stream.commits import Commits
from moderator.stream.offsets import PartitionProgress
from moderator.stream.publisher import Message, Publisher, send
from moderator.stream.suspects import LookUp

log = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS, _MOST_WAIT_SECONDS = 0.2, 5.0

Offsets = Mapping[TopicPartition, tuple[int, str]]  # and metadata


class _Part(NamedTuple):
    """What one partition has in a transaction: its next posts that are answered without a gap."""

    progress: PartitionProgress
    jobs: list[Job]
    messages: list[Message]


class Transactions:
    """Publishes answers in offset order; those behind a post that is not answered wait for it.

    A consumer that reads committed messages only sees each verdict once, whatever happens to
    workers, save one case: a worker that was frozen for longer than its session, and wakes in the
    middle of a commit, is stopped only by its transaction's time-out, because aiokafka does not
    send the group's generation with offsets (KIP-447).
    """

    def __init__(
        self, settings: Settings, publisher: Publisher, commits: Commits, look_up: LookUp
    ) -> None:
        self._group = settings.group
        self._publisher = publisher
        self._commits = commits
        self._look_up = look_up
        self._answers: dict[PartitionProgress, dict[int, tuple[Job, list[Message]]]] = {}
        self._more = asyncio.Event()

    def put(self, jobs: Sequence[Job], messages: Sequence[Message]) -> None:
        """These were answered, by messages that name them as their source."""
        of: dict[int, list[Message]] = {id(job.record): [] for job in jobs}
        for message in messages:
            of[id(message.source)].append(message)
        for job in jobs:
            answers = self._answers.setdefault(job.progress, {})
            answers[job.offset] = (job, of[id(job.record)])
        self._more.set()

    async def run(
        self,
        too_large: Callable[[Message], Message],
        published: Callable[[Sequence[Job]], None],
    ) -> None:
        """Publish until cancelled, telling `published`. Raises StartupError when fenced."""
        while True:
            await self._more.wait()  # what is answered during a transaction fills the next one
            self._more.clear()
            async with self._commits.moving:
                published(self._drop_lost())
                if parts := self._contiguous():
                    await self._publish(parts, too_large)
                    published([job for part in parts.values() for job in part.jobs])

    def _drop_lost(self) -> list[Job]:
        """Answers on partitions that are another worker's, who answers them again."""
        ours = set(self._commits.owned().values())
        lost = [progress for progress in self._answers if progress not in ours]
        jobs = [job for progress in lost for job, _ in self._answers.pop(progress).values()]
        for job in jobs:
            job.let_go = True
        return jobs

    def _contiguous(self) -> dict[TopicPartition, _Part]:
        parts = {}
        for partition, progress in self._commits.owned().items():
            answers = self._answers.get(progress, {})
            part = _Part(progress, [], [])
            for offset in progress.open:
                if offset not in answers:
                    break
                job, messages = answers.pop(offset)
                part.jobs.append(job)
                part.messages.extend(messages)
            if part.jobs:
                parts[partition] = part
        return parts

    async def _publish(
        self, parts: Mapping[TopicPartition, _Part], too_large: Callable[[Message], Message]
    ) -> None:
        """Until it is committed. The broker's absence is waited for: back-pressure, not loss.

        A broker refuses a batch as a whole: its messages are sent one by one then, so that only
        what does not fit by itself gives way.
        """
        wait = _FIRST_WAIT_SECONDS
        alone = set[int]()  # identities of messages to send one by one
        while parts := self._still_ours(parts):
            offsets = {
                partition: (part.jobs[-1].offset + 1, self._commits.note(partition, part.progress))
                for partition, part in parts.items()
            }
            try:
                refused = await self._transact(parts, offsets, alone)
            except ProducerFenced as error:
                raise StartupError(
                    "another worker has our transactional id; workers of one machine need "
                    "different MODERATOR_WEB_PORTs"
                ) from error
            except KafkaError as error:
                log.warning("transaction not committed (%r); again in %.1f s", error, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _MOST_WAIT_SECONDS)
                if not await self._was_committed(offsets):
                    continue
            else:
                if refused:
                    if len(refused) == 1:  # nothing else was in its batch
                        _replace(parts, refused, too_large)
                    alone |= refused
                    await self._was_committed(offsets)  # it was not, and is ended by this
                    continue
            self._commits.committed(offsets)
            return

    def _still_ours(self, parts: Mapping[TopicPartition, _Part]) -> dict[TopicPartition, _Part]:
        """Without partitions that left while the broker was away: their next owner answers them."""
        ours = self._commits.owned()
        kept = {place: part for place, part in parts.items() if ours.get(place) is part.progress}
        for place in parts.keys() - kept.keys():
            for job in parts[place].jobs:
                job.let_go = True
        return kept

    async def _transact(
        self, parts: Mapping[TopicPartition, _Part], offsets: Offsets, alone: set[int]
    ) -> set[int]:
        """Commit all of it, or nothing: then those of a batch that is too large, by identity."""
        producer = self._publisher.producer
        await producer.begin_transaction()
        messages = [message for part in parts.values() for message in part.messages]
        if refused := await _send(producer, messages, alone):
            return refused
        if len(self._still_ours(parts)) < len(parts):
            raise IllegalGenerationError("partitions left during the transaction")
        await producer.send_offsets_to_transaction(
            {place: OffsetAndMetadata(*wanted) for place, wanted in offsets.items()}, self._group
        )
        await producer.commit_transaction()
        return set()

    async def _was_committed(self, offsets: Offsets) -> bool:
        """Start over with a new producer, which has the broker end what the last one left open."""
        while True:
            try:
                await self._publisher.replace()
                found = await self._look_up(offsets)
            except (KafkaError, OSError) as error:
                log.warning("no new producer: %r", error)
                await asyncio.sleep(_FIRST_WAIT_SECONDS)
            else:
                return all(found.get(p, (-1, ""))[0] >= at for p, (at, _) in offsets.items())


async def _send(producer: Any, messages: Sequence[Message], alone: set[int]) -> set[int]:
    """Send them in order, those in `alone` one by one, up to the first that are refused.

    Nothing after these could be sent: the broker misses their numbers.
    """
    refused = set[int]()
    for _, group in groupby(messages, key=lambda message: {id(message)} & alone):
        batch = list(group)
        for message, error in zip(batch, await send(producer, batch), strict=True):
            if isinstance(error, MessageSizeTooLargeError):
                refused.add(id(message))
            elif error is not None:
                raise error
        if refused:
            break
    return refused


def _replace(
    parts: Mapping[TopicPartition, _Part],
    refused: set[int],
    too_large: Callable[[Message], Message],
) -> None:
    for part in parts.values():
        part.messages[:] = [too_large(m) if id(m) in refused else m for m in part.messages]
