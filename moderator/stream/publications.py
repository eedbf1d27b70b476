"""The topic of policies: what was published, by whom and when, and what is in force.

One partition, compacted, a key for each publication, so that history stays; the newest message is
the one in force, and a rollback is a publication of an older one. What grows too old is deleted by
a tombstone.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from moderator.errors import TransientError
from moderator.policy.bundle import Bundle
from moderator.settings import Settings
from moderator.stream.clients import (
    existing_topics,
    make_admin,
    make_consumer,
    make_producer,
    started,
)

log = logging.getLogger(__name__)

KEPT = 100
"""Publications that stay in the history."""

_POLL_MS = 500
_COMPACTED = {"cleanup.policy": "compact", "max.message.bytes": str(16 * 2**20)}


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the topic."""

    name: str
    version: str
    digest: str
    rules: int
    who: str
    at: str  # ISO 8601, UTC
    note: str = ""
    kind: Literal["publish", "rollback"] = "publish"
    bundle: Bundle

    @property
    def key(self) -> bytes:
        """Unique, so that compaction keeps every publication."""
        return f"{self.at} {self.digest}".encode()


_decoder = msgspec.json.Decoder(Publication)


async def read_history(settings: Settings) -> list[Publication]:
    """All publications that are kept, the oldest first.

    Raises TransientError when Kafka cannot be reached.
    """
    if settings.policies_topic not in await existing_topics(settings):
        return []
    found: dict[bytes, Publication] = {}
    async with reading(settings) as consumer:
        async for records in up_to_end(consumer, settings):
            collect(records, found)
    return list(found.values())


async def publish(settings: Settings, publication: Publication) -> None:
    """Make it the one in force; returns when all replicas have it.

    Raises TransientError.
    """
    await ensure_topic(settings)
    history = await read_history(settings)
    try:
        async with started(make_producer(settings, compression_type="gzip")) as producer:
            value = msgspec.json.encode(publication)
            await producer.send_and_wait(settings.policies_topic, value, publication.key)
            for old in history[: -(KEPT - 1)] if len(history) >= KEPT else ():
                await producer.send_and_wait(settings.policies_topic, None, old.key)
    except KafkaError as error:
        raise TransientError(f"the policy was not published: {error}") from error


async def ensure_topic(settings: Settings) -> None:
    """Create the topic where it is missing. Raises TransientError when that is impossible."""
    topic = settings.policies_topic
    if topic in await existing_topics(settings):
        return
    new = NewTopic(topic, 1, replication_factor=1, topic_configs=_COMPACTED)
    new.replication_factor = -1  # the broker's default; aiokafka's constructor refuses it
    try:
        async with started(make_admin(settings)) as admin:
            answer = await admin.create_topics([new])
        for _, code, *_ in answer.topic_errors:
            if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                raise for_code(code)
    except KafkaError as error:
        raise TransientError(
            f"the topic {topic} does not exist and cannot be created ({error}); create it with one "
            "partition and cleanup.policy=compact, or let this user create topics"
        ) from error


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Any]:
    """A consumer at the beginning of the topic, in no group. Raises TransientError."""
    consumer = make_consumer(settings, group=None, max_partition_fetch_bytes=2**25)
    async with started(consumer):
        partition = TopicPartition(settings.policies_topic, 0)
        consumer.assign([partition])
        try:
            await consumer.seek_to_beginning(partition)
        except KafkaError as error:
            raise TransientError(f"{settings.policies_topic} cannot be read: {error}") from error
        yield consumer


async def up_to_end(consumer: Any, settings: Settings) -> AsyncIterator[Sequence[Any]]:
    """What is in the topic by now. Raises TransientError."""
    partition = TopicPartition(settings.policies_topic, 0)
    try:
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            yield await fetch(consumer, settings)
    except KafkaError as error:
        raise TransientError(f"{settings.policies_topic} cannot be read: {error}") from error


async def fetch(consumer: Any, settings: Settings) -> Sequence[Any]:
    """What comes next in the topic, within half a second. Raises TransientError."""
    try:
        fetched = await consumer.getmany(timeout_ms=_POLL_MS)
    except KafkaError as error:
        raise TransientError(f"{settings.policies_topic} cannot be read: {error}") from error
    return [record for records in fetched.values() for record in records]


def collect(records: Sequence[Any], found: dict[bytes, Publication]) -> None:
    """Add publications to those found, oldest first; what is none is left out and told."""
    for record in records:
        key = record.key or b""
        found.pop(key, None)
        if record.value is None:
            continue
        try:
            found[key] = _decoder.decode(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("offset %d of the policies is no publication: %s", record.offset, error)  # noqa: TRY400 - the message says it all
