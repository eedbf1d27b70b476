"""Kafka clients as this project configures them, and the wait for a broker that is away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from moderator.errors import TransientError
from moderator.settings import Settings

log = logging.getLogger(__name__)
Client = TypeVar("Client", AIOKafkaConsumer, AIOKafkaProducer, AIOKafkaAdminClient)

#: Room for a batch's framing and headers around the largest post.
_OVERHEAD_BYTES = 2**20


def make_consumer(settings: Settings, *topics: str, group: str | None, **options: Any) -> Any:
    """A consumer that commits nothing by itself."""
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=settings.kafka,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=int(settings.session_timeout_seconds * 1000 / 4),
        # A real broker answers a waiting fetch as soon as it has something; librdkafka's mock
        # cluster lets it wait to the end, which would be most of the demo's latency.
        fetch_max_wait_ms=50,
        **options,
    )


def make_producer(settings: Settings, **options: Any) -> Any:
    """An idempotent producer whose acknowledgements mean that all replicas have the message."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_batch_size=128 * 2**10,
        max_request_size=settings.max_post_bytes + _OVERHEAD_BYTES,
        request_timeout_ms=20_000,
        **options,
    )


@asynccontextmanager
async def started(client: Client) -> AsyncIterator[Client]:
    """Start a client and stop it whatever happens. Raises TransientError when it cannot start."""
    try:
        await client.start()
    except (KafkaError, OSError) as error:
        await _close(client)
        raise TransientError(f"Kafka cannot be reached: {error}") from error
    try:
        yield client
    finally:
        await _close(client)


async def _close(client: Any) -> None:
    await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())


async def existing_topics(settings: Settings) -> set[str]:
    """The broker's topics. Raises TransientError when it cannot be reached."""
    async with started(make_admin(settings)) as admin:
        topics: Iterable[str] = await admin.list_topics()
        return set(topics)


async def ensure_topics(settings: Settings) -> None:
    """Create the topics that are missing. Raises TransientError when that is impossible."""
    missing = sorted(set(_topics(settings)) - await existing_topics(settings))
    if not missing:
        return
    log.info("creating topics %s", ", ".join(missing))
    try:
        async with started(make_admin(settings)) as admin:
            answer = await admin.create_topics(
                [_new_topic(name, settings.partitions) for name in missing]
            )
        for _, code, *_ in answer.topic_errors:
            if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                raise for_code(code)
    except KafkaError as error:
        raise TransientError(
            f"the topics {', '.join(missing)} do not exist and cannot be created ({error}); "
            "create them, or let this user create topics"
        ) from error


async def delete_topics(settings: Settings) -> None:
    """Delete the topics of these settings. Raises TransientError when that is impossible."""
    try:
        async with started(make_admin(settings)) as admin:
            await admin.delete_topics(list(_topics(settings)))
    except KafkaError as error:
        raise TransientError(f"topics not deleted: {error}") from error


def _new_topic(name: str, partitions: int) -> Any:
    topic = NewTopic(name, partitions, replication_factor=1)
    topic.replication_factor = -1  # the broker's default; aiokafka's constructor refuses it
    return topic


def _topics(settings: Settings) -> tuple[str, str, str]:
    return settings.posts_topic, settings.verdicts_topic, settings.dead_letters_topic


def make_admin(settings: Settings) -> Any:
    """A client for the broker's own affairs."""
    return AIOKafkaAdminClient(bootstrap_servers=settings.kafka, request_timeout_ms=10_000)


class Clients(NamedTuple):
    """What the hot path needs of Kafka, so that it also runs where there is none."""

    ensure_topics: Callable[[Settings], Awaitable[None]] = ensure_topics
    consumer: Callable[..., Any] = make_consumer
    producer: Callable[[Settings], Any] = make_producer


KAFKA = Clients()


async def until_it_works(
    what: str,
    attempt: Callable[[], Awaitable[None]],
    given_up: Callable[[], bool],
    *,
    most_seconds: float = 5.0,
) -> None:
    """Repeat after a TransientError, waiting 0.5, 1, 2 … `most_seconds`, and say so in the log."""
    wait = 0.5
    while not given_up():
        try:
            return await attempt()
        except TransientError as error:
            log.warning("%s: %s; trying again in %.1f s", what, error, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, most_seconds)
    return None
