"""Kafka clients as this project configures them, and the wait for a broker that is away."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from moderator.errors import TransientError
from moderator.settings import Settings
from moderator.stream.security import kafka_security

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
        **kafka_security(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        metadata_max_age_ms=int(settings.kafka_metadata_seconds * 1000),
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
        **kafka_security(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_batch_size=128 * 2**10,
        max_request_size=settings.max_post_bytes + _OVERHEAD_BYTES,
        request_timeout_ms=20_000,
        **options,
    )


def make_worker_producer(settings: Settings) -> Any:
    """The producer of verdicts: with transactions where delivery is exactly once."""
    exactly_once = settings.delivery == "exactly_once"
    return make_producer(settings, **(_transactional(settings) if exactly_once else {}))


def _transactional(settings: Settings) -> dict[str, Any]:
    # Kept over restarts, so that the next life of a worker ends the transaction of the last.
    name = f"{settings.group}-{socket.gethostname()}-{settings.web_port}"
    # A worker that is frozen for longer than its session must not commit after it.
    timeout_ms = int(settings.session_timeout_seconds * 1000)
    return {"transactional_id": name, "transaction_timeout_ms": timeout_ms}


@asynccontextmanager
async def started(client: Client) -> AsyncIterator[Client]:
    """Start a client and stop it whatever happens. Raises TransientError when it cannot start."""
    try:
        await start(client)
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka cannot be reached: {error}") from error
    try:
        yield client
    finally:
        await _close(client)


async def start(client: Client) -> Client:
    """Start it, or close what of it had started. Raises KafkaError, OSError."""
    try:
        await client.start()
    except BaseException:  # cancelled while it starts, too
        await _close(client)
        raise
    return client


async def _close(client: Any) -> None:
    await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())


async def existing_topics(settings: Settings) -> set[str]:
    """The broker's topics. Raises TransientError when it cannot be reached."""
    async with started(make_admin(settings)) as admin:
        topics: Iterable[str] = await admin.list_topics()
        return set(topics)


async def ensure_topics(settings: Settings, names: Iterable[str] | None = None) -> None:
    """Create the topics that are missing: `names`, or those a worker needs.

    Raises TransientError when that is impossible.
    """
    needed = needed_topics(settings) if names is None else names
    missing = sorted(set(needed) - await existing_topics(settings))
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
            await admin.delete_topics(list(needed_topics(settings)))
    except KafkaError as error:
        raise TransientError(f"topics not deleted: {error}") from error


def _new_topic(name: str, partitions: int) -> Any:
    topic = NewTopic(name, partitions, replication_factor=1)
    topic.replication_factor = -1  # the broker's default; aiokafka's constructor refuses it
    return topic


def needed_topics(settings: Settings) -> tuple[str, ...]:
    """Those a worker reads and writes with these settings."""
    needed = (settings.posts_topic, settings.verdicts_topic, settings.dead_letters_topic)
    return (*needed, settings.retries_topic) if settings.puts_off else needed


async def committed(
    settings: Settings, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, tuple[int, str]]:
    """The group's committed offsets and their metadata. Raises KafkaError."""
    admin = make_admin(settings)
    try:
        await admin.start()
        found = await admin.list_consumer_group_offsets(settings.group, partitions=[*partitions])
    except OSError as error:
        raise KafkaConnectionError(str(error)) from error
    finally:
        await admin.close()
    return {place: (offset, metadata or "") for place, (offset, metadata) in found.items()}


def make_admin(settings: Settings) -> Any:
    """A client for the broker's own affairs."""
    return AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka, request_timeout_ms=10_000, **kafka_security(settings)
    )


class Clients(NamedTuple):
    """What the hot path needs of Kafka, so that it also runs where there is none."""

    ensure_topics: Callable[[Settings], Awaitable[None]] = ensure_topics
    consumer: Callable[..., Any] = make_consumer
    producer: Callable[[Settings], Any] = make_worker_producer
    committed: Callable[
        [Settings, Iterable[TopicPartition]], Awaitable[dict[TopicPartition, tuple[int, str]]]
    ] = committed


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
