"""Decisions to the topic of reviews, and what is counted of them in Redis.

work:DAY   hash    reviewer|decision → count, and reviewer|seconds     for 60 days
pairs      hash    first|second decision → count, of second looks
reviews    stream  the last decisions, without their posts
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from moderator.console.redis import PREFIX, asking
from moderator.errors import TransientError
from moderator.reviews import Review
from moderator.settings import Settings
from moderator.stream.clients import ensure_topics, make_producer, start

_KEPT_DAYS: Final = 60
_SHOWN: Final = 2_000
_SECONDS: Final = 10.0
_PAIRS, _REVIEWS = PREFIX + "pairs", PREFIX + "reviews"


class Journal:
    """Writes reviews. Raises TransientError while Kafka or Redis is away."""

    def __init__(self, settings: Settings, redis: Any) -> None:
        self._settings = settings
        self._redis = redis
        self._producer: Any = None
        self._lock = asyncio.Lock()

    async def publish(self, review: Review) -> None:
        """Return once all replicas have it; without its post where that is too large."""
        try:
            async with asyncio.timeout(_SECONDS):
                producer = await self._connected()
                try:
                    await self._send(producer, review)
                except MessageSizeTooLargeError:
                    await self._send(producer, msgspec.structs.replace(review, post=None))
        except (KafkaError, OSError, TimeoutError) as error:
            raise TransientError(
                f"Kafka is away ({type(error).__name__}); the decision is not kept, try again"
            ) from error

    async def _send(self, producer: Any, review: Review) -> None:
        await producer.send_and_wait(
            self._settings.reviews_topic,
            msgspec.json.encode(review),
            key=review.post_id.encode(),
        )

    async def _connected(self) -> Any:
        async with self._lock:
            if self._producer is None:
                await ensure_topics(self._settings, (self._settings.reviews_topic,))
                self._producer = await start(make_producer(self._settings))
            return self._producer

    async def count(self, review: Review, change: int, pair: str | None) -> None:
        """Count a decision, or with -1 one that is undone; `pair`: of a second look."""
        async with asking():
            pipe = self._redis.pipeline()
            key = f"{PREFIX}work:{review.at.date().isoformat()}"
            pipe.hincrby(key, f"{review.reviewer}|{review.decision}", change)
            if change > 0:
                pipe.hincrbyfloat(key, f"{review.reviewer}|seconds", review.seconds or 0)
            pipe.expire(key, _KEPT_DAYS * 24 * 3600)
            if pair is not None:
                pipe.hincrby(_PAIRS, pair, change)
            await pipe.execute()

    async def remember(self, review: Review) -> None:
        """Show it among the last decisions."""
        value = msgspec.json.encode(msgspec.structs.replace(review, post=None))
        async with asking():
            await self._redis.xadd(_REVIEWS, {b"r": value}, maxlen=_SHOWN, approximate=True)

    async def recent(self, count: int) -> list[Review]:
        """The newest first."""
        async with asking():
            found = await self._redis.xrevrange(_REVIEWS, count=count)
        return [msgspec.json.decode(fields[b"r"], type=Review) for _, fields in found]

    async def work(self, days: int) -> dict[str, dict[str, dict[str, float]]]:
        """By day, the newest first, and reviewer: how many of each decision, and `seconds`."""
        today = datetime.now(UTC).date()
        dates = [(today - timedelta(days=each)).isoformat() for each in range(days)]
        async with asking():
            pipe = self._redis.pipeline(transaction=False)
            for date in dates:
                pipe.hgetall(f"{PREFIX}work:{date}")
            found = await pipe.execute()
        table: dict[str, dict[str, dict[str, float]]] = {}
        for date, counts in zip(dates, found, strict=True):
            for name, value in counts.items():
                reviewer, _, what = name.decode().rpartition("|")
                table.setdefault(date, {}).setdefault(reviewer, {})[what] = float(value)
        return table

    async def pairs(self) -> dict[tuple[str, str], int]:
        """What two moderators said of the same post: how often."""
        async with asking():
            found = await self._redis.hgetall(_PAIRS)
        return {
            (first, second): int(count)
            for name, count in found.items()
            for first, _, second in [name.decode().partition("|")]
        }

    async def close(self) -> None:
        """Say goodbye to Kafka."""
        if self._producer is not None:
            await self._producer.stop()
