"""The way out: messages to Kafka, not given up before the broker has acknowledged each."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from moderator.metrics import Metrics
from moderator.settings import Settings
from moderator.stream.clients import make_worker_producer, start
from moderator.stream.dead_letters import Headers

log = logging.getLogger(__name__)

_GOODBYE_SECONDS = 3.0


class Message(NamedTuple):
    """What is to be published."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    source: Any  # aiokafka's ConsumerRecord that it answers


class Publisher:
    """Publishes with `acks=all`. A broker that is away is waited for: back-pressure, not loss."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        producer: Callable[[Settings], Any] = make_worker_producer,
        first_wait_seconds: float = 0.2,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._make_producer = producer
        self._first_wait_seconds = first_wait_seconds
        self._producer: Any = None
        self._lock = asyncio.Lock()

    @property
    def producer(self) -> Any:
        """The client in use, for whoever publishes in transactions."""
        return self._producer

    async def start(self) -> None:
        """Raises aiokafka's KafkaError when the broker cannot be reached."""
        self._producer = await start(self._make_producer(self._settings))

    async def stop(self) -> None:
        """Close the connection. What is not acknowledged by then counts as not sent."""
        if self._producer is not None:
            await self._producer.stop()

    async def publish(self, messages: Sequence[Message]) -> list[Message]:
        """Return when each message is acknowledged, or refused for its size; give back these."""
        pending, refused = list(messages), list[Message]()
        wait = self._first_wait_seconds
        while pending:
            producer = self._producer
            failures = [
                (message, error)
                for message, error in zip(pending, await send(producer, pending), strict=True)
                if error is not None
            ]
            too_large = [m for m, error in failures if isinstance(error, MessageSizeTooLargeError)]
            again = [f for f in failures if not isinstance(f[1], MessageSizeTooLargeError)]
            if len(too_large) > 1:  # the broker refuses a batch as a whole: alone, most may fit
                for message in too_large:
                    (error,) = await send(producer, [message])
                    if isinstance(error, MessageSizeTooLargeError):
                        refused.append(message)
                    elif error is not None:
                        again.append((message, error))
            else:
                refused += too_large
            pending = [message for message, _ in again]
            if again:
                await self._recover(producer, [error for _, error in again], wait)
                wait = min(wait * 2, 5.0)
        return refused

    async def _recover(self, broken: Any, errors: Sequence[BaseException], wait: float) -> None:
        """Wait; and after an error that its producer does not survive, connect anew."""
        for error in errors:
            if not isinstance(error, KafkaError):
                raise error
        self._metrics.publish_retries.inc(len(errors))
        log.warning("%d messages not taken (%r); again in %.1f s", len(errors), errors[0], wait)
        await asyncio.sleep(wait)
        if all(getattr(error, "retriable", False) for error in errors):
            return
        async with self._lock:
            if self._producer is not broken:  # another batch has replaced it already
                return
            try:
                await self.replace()
            except KafkaError as error:
                log.warning("no new producer: %r", error)

    async def replace(self) -> None:
        """Connect anew. Raises aiokafka's KafkaError when the broker cannot be reached."""
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._producer.stop()
        except (TimeoutError, KafkaError) as error:
            log.warning("a producer could not be closed in order: %r", error)
        await self.start()


async def send(producer: Any, messages: Sequence[Message]) -> list[BaseException | None]:
    """What became of each message: None when it was acknowledged.

    One coroutine for all of them: a task for each would cost more than the sending.
    """
    deliveries: list[asyncio.Future[Any] | KafkaError] = []
    for topic, key, value, headers, _ in messages:
        try:
            deliveries.append(await producer.send(topic, value, key=key, headers=headers))
        except KafkaError as error:
            deliveries.append(error)
    if waiting := [each for each in deliveries if isinstance(each, asyncio.Future)]:
        await asyncio.wait(waiting)
    return [_outcome(each) for each in deliveries]


def _outcome(delivery: asyncio.Future[Any] | BaseException) -> BaseException | None:
    if isinstance(delivery, BaseException):
        return delivery
    return KafkaTimeoutError("given up") if delivery.cancelled() else delivery.exception()
